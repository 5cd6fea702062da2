"""What options models say of themselves: the JSON Schema of a pipeline's file, and tables of options for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema
from pydantic_core import to_json

from jackfield.components import OptionsModel
from jackfield.models import Text
from jackfield.pipeline import PipelineSettings, SourceSettings, StepSettings
from jackfield.registry import Registry
from jackfield.units import duration_words

_TEMPLATE: Final = {"type": "string", "pattern": r"\{\{|\{%"}
_WORDS: Final = frozenset({"title", "description", "default", "examples", "ru"})


def pipeline_schema(registry: Registry) -> dict[str, Any]:
    """Describe the file of a pipeline, with the options of every component that is installed."""
    schema = model_schema(PipelineSettings)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "A Jackfield pipeline"
    sources = [_component(SourceSettings, one.Options, "source", name) for name, one in registry.sources.items()]
    actions = [_component(StepSettings, one.Options, "action", name) for name, one in registry.actions.items()]
    schema["properties"]["source"] = {"anyOf": sources}
    schema["properties"]["steps"] = {"type": "array", "minItems": 1, "items": {"anyOf": actions}}
    definitions = schema.setdefault("$defs", {})
    for component in (*sources, *actions):
        definitions |= component.pop("$defs")
    return schema


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


def _component(host: type[OptionsModel], options: type[OptionsModel], kind: str, name: str) -> dict[str, Any]:
    """Join the host's keys and the component's options in one table, with what both define in `$defs`.

    What the component defines goes by its kind and name as well, for another one may have models of the same name.
    """
    prefix = f"{kind}.{name}."
    own = model_schema(host)
    theirs = _templated(model_schema(options, f"#/$defs/{prefix}{{model}}"))
    defined = {f"{prefix}{model}": schema for model, schema in theirs.get("$defs", {}).items()}
    return theirs | {
        "title": name,
        "properties": {**own["properties"], **theirs.get("properties", {}), "use": {"const": name}},
        "required": ["use", *theirs.get("required", ())],
        "$defs": own.get("$defs", {}) | defined,
    }


def _templated(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Let a template stand in the place of every value in a table or a list, however deep."""
    result: dict[str, Any] = {}
    for key, part in schema.items():
        match key, part:
            case "properties" | "patternProperties", Mapping():
                result[key] = {name: _or_template(option) for name, option in part.items()}
            case "prefixItems", list():
                result[key] = [_or_template(item) for item in part]
            case "items" | "additionalProperties", Mapping():
                result[key] = _or_template(part)
            case "$defs", Mapping():
                result[key] = {name: _templated(model) for name, model in part.items()}
            case "anyOf" | "oneOf", list():  # of alternatives that a template tells apart, more than one may fit
                result["anyOf"] = [_templated(choice) for choice in part]
            case _:
                result[key] = part
    return result


def _or_template(option: Mapping[str, Any]) -> dict[str, Any]:
    """Let a template stand in the place of a value; its words stay in front, where editors look for them."""
    schema = _templated(option)
    shape = {key: schema.pop(key) for key in [*schema] if key not in _WORDS}
    if shape in ({}, {"type": "string"}):  # takes any text as it is
        return schema | shape
    choices = shape["anyOf"] if shape.keys() == {"anyOf"} else [shape]
    return {**schema, "anyOf": [*choices, _TEMPLATE]}


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
