"""What options models say of themselves: the JSON Schema of a pipeline's file, and tables of options for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json

from jackfield.components import OptionsModel
from jackfield.models import Text
from jackfield.pipeline import PipelineSettings, SourceSettings, StepSettings
from jackfield.registry import Registry

_TEMPLATE: Final = {"type": "string", "pattern": r"\{\{|\{%"}


def pipeline_schema(registry: Registry) -> dict[str, Any]:
    """Describe the file of a pipeline, with the options of every component that is installed."""
    schema = PipelineSettings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "A Jackfield pipeline"
    definitions = schema.setdefault("$defs", {})
    sources = [_component(SourceSettings, one.Options, name, definitions) for name, one in registry.sources.items()]
    actions = [_component(StepSettings, one.Options, name, definitions) for name, one in registry.actions.items()]
    schema["properties"]["source"] = {"anyOf": sources}
    schema["properties"]["steps"] = {"type": "array", "minItems": 1, "items": {"anyOf": actions}}
    return schema


def option_rows(model: type[BaseModel], words: Callable[[Text], str]) -> Iterator[list[str]]:
    """Describe a model's options, a row each: name, type, default, meaning."""
    schema = model.model_json_schema(by_alias=True)
    for name, option in schema.get("properties", {}).items():
        russian = option.get("ru", {})
        meaning = {"en": option.get("description", ""), "ru": russian.get("description", "")}
        required = name in schema.get("required", ())
        default = "required" if required else _shown(option.get("default"))
        yield [name, _type(option), default, words(meaning) or words({"en": option.get("title", "")})]


def _component(
    host: type[OptionsModel], options: type[OptionsModel], name: str, definitions: dict[str, Any]
) -> dict[str, Any]:
    """Join the host's keys and the component's options in one table, every value of which may be a template."""
    own, theirs = host.model_json_schema(by_alias=True), options.model_json_schema(by_alias=True)
    for schema in (own, theirs):
        definitions |= schema.pop("$defs", {})
    properties = {key: {"anyOf": [option, _TEMPLATE]} for key, option in theirs.get("properties", {}).items()}
    return {
        "type": "object",
        "title": name,
        "properties": {**own["properties"], **properties, "use": {"const": name}},
        "required": ["use", *theirs.get("required", ())],
        "additionalProperties": False,
    }


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
