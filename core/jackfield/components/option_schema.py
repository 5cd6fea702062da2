"""Describes the options of a component: as a JSON Schema for programs, and as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema
from pydantic_core import to_json

from jackfield.components.units import duration_words
from jackfield.components.values import Text


@dataclass(frozen=True, slots=True)
class OptionRow:
    """An option as people read of it. `default` is as TOML writes it, `required` where there is none."""

    name: str
    type: str
    default: str
    meaning: Text


def option_rows(model: type[BaseModel]) -> Iterator[OptionRow]:
    """Describe a model's options, in its order."""
    schema = model_schema(model)
    for name, option in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        default = "required" if required else _shown(option.get("default"))
        yield OptionRow(name, _type(option), default, _meaning(option))


class _AsWritten(GenerateJsonSchema):
    """Gives defaults as people write them: pydantic would say PT30S, which no option takes."""

    def encode_default(self, dft: Any) -> Any:
        return duration_words(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def model_schema(model: type[BaseModel], ref_template: str = DEFAULT_REF_TEMPLATE) -> dict[str, Any]:
    """Describe a model as its options are written in a file."""
    return model.model_json_schema(by_alias=True, ref_template=ref_template, schema_generator=_AsWritten)


def _meaning(option: Mapping[str, Any]) -> Text:
    """Take what the option's author has written of it, in the languages that there are."""
    written = {"en": option.get("description"), "ru": option.get("ru", {}).get("description")}
    return {language: text for language, text in written.items() if text} or {"en": option.get("title", "")}


def _type(option: Mapping[str, Any]) -> str:
    if "anyOf" in option:
        return " or ".join(dict.fromkeys(_type(choice) for choice in option["anyOf"] if choice.get("type") != "null"))
    if "enum" in option:
        return " | ".join(map(str, option["enum"]))
    if "$ref" in option:
        return "any value" if option["$ref"].endswith("/JsonValue") else "table"
    kind = str(option.get("type", "any value"))
    return {"object": "table", "array": "list"}.get(kind, kind)


def _shown(default: object) -> str:
    return "" if default in (None, {}, []) else _toml(default)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return to_json(value).decode()
