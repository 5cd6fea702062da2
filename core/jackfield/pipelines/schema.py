"""The JSON Schema of a pipeline's file, with the options of every installed component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jackfield.components.host_keys.tables import PipelineSettings, SourceSettings, StepSettings
from jackfield.components.option_schema import model_schema
from jackfield.components.options import OptionsModel
from jackfield.components.plugins.registry import Registry

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
