"""What is empty, and data without it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from jackfield import JsonValue, option

OmitEmpty: TypeAlias = Annotated[
    bool,
    option(
        ("Leave out empty values", "Whether null and empty text are left out, at every depth."),
        ("Убрать пустые значения", "Не передавать null и пустой текст, на любой глубине."),
    ),
]


def without_empty(value: JsonValue) -> JsonValue:
    """Leave out null and empty text, at every depth; tables and lists stay, even if nothing is left in them."""
    if isinstance(value, dict):
        return {key: without_empty(item) for key, item in value.items() if not _is_empty(item)}
    if isinstance(value, list):
        return [without_empty(item) for item in value if not _is_empty(item)]
    return value


def _is_empty(value: JsonValue) -> bool:
    return value is None or value == ""
