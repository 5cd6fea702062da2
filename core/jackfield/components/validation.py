"""Validates options with pydantic, and says what is wrong with them in the words of whoever writes the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from jackfield.components.options import AT_LEAST_ONE, EXCLUSIVE
from jackfield.problems import KeyPath, did_you_mean
from jackfield.templates.engine import is_template

_ModelT = TypeVar("_ModelT", bound=BaseModel)

_NEVER_RIGHT_LATER: Final = frozenset({"extra_forbidden", "missing", AT_LEAST_ONE, EXCLUSIVE})
WORDS: Final = {
    "missing": "is required",
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type"),
        'must be a table, such as {{ name = "value" }}',
    ),
    **dict.fromkeys(
        ("list_type", "tuple_type", "set_type", "frozen_set_type"),
        'must be a list, such as ["a", "b"]',
    ),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("literal_error", "enum"), "must be one of {expected}"),
    "string_type": "must be text in quotes",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} characters at most",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} entries at most",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
}
"""What pydantic's errors are in the words of who writes the file; the names in braces are of the error's context."""
RENDERED_WORDS: Final = WORDS | {"string_type": "must come to text; add a filter such as string"}
"""The same for what a template came to: quotes are there already."""


@dataclass(frozen=True, slots=True)
class ValidationProblem:
    """What is wrong with one option."""

    key: KeyPath
    message: str


def validation_problems(
    error: ValidationError,
    raw: Mapping[str, Any],
    model: type[BaseModel],
    *,
    put_off: bool = False,
    beside: Collection[str] = (),
    words: Mapping[str, str] = WORDS,
) -> list[ValidationProblem]:
    """Say what a model has against some options, one problem for each mistake, values left out.

    With `put_off`, an error about a string with a template in it is left for when the template is rendered. Where
    an option may have one of several shapes, only the shape that fits best is spoken of. `beside` are keys that
    somebody else reads in the same table: a misspelt one may be meant. `words` says what for each of pydantic's types.
    """
    by_option: dict[str | int, dict[KeyPath, list[ErrorDetails]]] = {}
    for detail in error.errors(include_url=False):
        location = detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]
        _, shape = _split(location, raw)
        option = detail["loc"][0] if detail["loc"] else ""
        by_option.setdefault(option, {}).setdefault(shape, []).append(detail)
    best = (min((_pending(details, put_off=put_off) for details in shapes.values()), key=len)
            for shapes in by_option.values())  # fmt: skip
    return [_validation_problem(detail, raw, model, beside, words) for details in best for detail in details]


def valid_part(model: type[_ModelT], raw: Mapping[str, Any], **required: Any) -> _ModelT:
    """Validate options without those that are wrong: they keep their defaults, or what `required` has for them."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors()}
        return model.model_validate(required | {key: raw[key] for key in raw if key not in wrong})


def _pending(details: list[ErrorDetails], *, put_off: bool) -> list[ErrorDetails]:
    return [detail for detail in details if not (put_off and _may_be_right_later(detail))]


def _may_be_right_later(detail: ErrorDetails) -> bool:
    return detail["type"] not in _NEVER_RIGHT_LATER and _has_template(detail["input"])


def _has_template(value: object) -> bool:
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_template, value))


def _split(location: KeyPath, raw: Any) -> tuple[KeyPath, KeyPath]:
    """Part a pydantic location into the keys that are in the options and the names of the shapes that were tried."""
    key: list[str | int] = []
    shape: list[str | int] = []
    for part in location:
        if not _has(raw, part):
            shape.append(part)
            continue
        raw = raw[part]
        key.append(part)
    return tuple(key), tuple(shape)


def _has(raw: object, part: str | int) -> bool:
    if isinstance(raw, Mapping):
        return part in raw
    return isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw)


def _validation_problem(
    detail: ErrorDetails,
    raw: Mapping[str, Any],
    model: type[BaseModel],
    beside: Collection[str],
    words: Mapping[str, str],
) -> ValidationProblem:
    key, shape = _split(detail["loc"], raw)
    kind = detail["type"]
    if kind == "missing":
        return ValidationProblem((*key, *shape[-1:]), words[kind])
    if kind == "extra_forbidden":
        known = _fields_at(model, key[:-1]).union(beside if len(key) == 1 else ())
        return ValidationProblem(key, f"is not known here{did_you_mean(str(key[-1]), known)}")
    if kind in {"value_error", "assertion_error"}:
        return ValidationProblem(key, str(detail["ctx"]["error"]))
    if kind in words:
        return ValidationProblem(key, words[kind].format_map(detail.get("ctx", {})))
    message = detail["msg"].replace("Input should be", "must be")
    return ValidationProblem(key, message[:1].lower() + message[1:])


def _fields_at(model: type[BaseModel], key: KeyPath) -> set[str]:
    """Name the options that the table at `key` may have."""
    found: type[BaseModel] | None = model
    for part in key:
        field = _fields(found).get(str(part)) if found and isinstance(part, str) else None
        if field is not None:
            found = next(_models(field.annotation), None)
    return set(_fields(found)) if found else set()


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)
