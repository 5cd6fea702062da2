"""The OpenAPI document of the API, made out of its operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from jackfield.web.api.endpoint import Endpoint

_REFERENCE: Final = "#/components/schemas/{model}"
_NO_CONTENT: Final = 204
_ERRORS: Final = {
    401: "The token is missing or wrong.",
    403: "The token is a viewer's, and this is for operators.",
    404: "There is nothing of this name.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    422: "The parameters or the body say something that cannot be carried out.",
    503: "The journal cannot be read or written at the moment.",
}
_ERROR: Final = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "What is wrong, and what to do about it."},
        "problems": {
            "type": "array",
            "description": "The mistakes in a file, one by one.",
            "items": {
                "type": "object",
                "properties": {
                    "file": {"type": "string"},
                    "line": {"type": "integer", "description": "From 1; 0 where it is not known."},
                    "key": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["file", "line", "key", "message"],
            },
        },
        "theirs": {
            "type": ["object", "null"],
            "description": "What a file is now that somebody else has changed; null if it is gone.",
            "properties": {"text": {"type": "string"}, "base": {"type": "string"}},
        },
    },
    "required": ["error"],
}


def openapi_document(operations: Sequence[Endpoint], path: str) -> dict[str, Any]:
    """Describe the operations below `path`, as OpenAPI 3.1 has it."""
    shapes, defined = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Jackfield", "version": metadata.version("jackfield"), "description": __doc__},
        "servers": [{"url": path}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**defined, "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(operations: Iterable[Endpoint]) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """Describe every body, parameter and answer; what they share is defined once."""
    wanted: list[tuple[tuple[str, str], JsonSchemaMode, TypeAdapter[Any]]] = []
    for one in operations:
        wanted.append(((one.name, "query"), "validation", TypeAdapter(one.query)))
        if one.body is not None:
            wanted.append(((one.name, "body"), "validation", TypeAdapter(one.body)))
        if one.status != _NO_CONTENT:
            wanted.append(((one.name, "answer"), "serialization", TypeAdapter(one.answer)))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REFERENCE)
    return {key: schema for (key, _), schema in found.items()}, definitions.get("$defs", {})


def _operation(one: Endpoint, shapes: dict[tuple[str, str], Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [*_in_path(one), *_in_query(one)],
        "responses": {str(one.status): _answer(one, shapes), **_errors(one)},
    }
    if one.body is not None:
        content = {"application/json": {"schema": shapes[one.name, "body"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _in_path(one: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in one.path_parameters]


def _in_query(one: Endpoint) -> list[dict[str, Any]]:
    schema = one.query.model_json_schema(ref_template=_REFERENCE)
    required = schema.get("required", ())
    inlined = _inlined(schema.get("properties", {}), schema.get("$defs", {}))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part} for name, part in inlined.items()
    ]


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put what is defined elsewhere in its place: parameters are small. Null cannot be sent in a query."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    parts = {key: _inlined(part, definitions) for key, part in schema.items() if key != "default" or part is not None}
    choices = [choice for choice in parts.pop("anyOf", []) if choice.get("type") != "null"]
    return {**parts, **choices[0]} if len(choices) == 1 else {**parts, **({"anyOf": choices} if choices else {})}


def _answer(one: Endpoint, shapes: dict[tuple[str, str], Any]) -> dict[str, Any]:
    if one.status == _NO_CONTENT:
        return {"description": "Done."}
    content = {"application/json": {"schema": shapes[one.name, "answer"]}}
    return {"description": "Done.", "content": content}


def _errors(one: Endpoint) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    fitting = {401, 422, 503} | ({404} if one.path_parameters else set())
    fitting |= {403, 404, 409, 413} if one.method != "GET" else set()
    fitting |= {403, 409} if one.secret else set()
    return {str(status): {"description": _ERRORS[status], "content": content} for status in sorted(fitting)}
