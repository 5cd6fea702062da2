"""What is empty, and data without it."""

from __future__ import annotations

from jackfield import JsonValue
from jackfield_http_request.pairs import Pairs


def without_empty(value: JsonValue) -> JsonValue:
    """Leave out null and empty text, at every depth; tables and lists stay, even if nothing is left in them."""
    if isinstance(value, dict):
        return {key: without_empty(item) for key, item in value.items() if not _is_empty(item)}
    if isinstance(value, list):
        return [without_empty(item) for item in value if not _is_empty(item)]
    return value


def pairs_with_value(pairs: Pairs) -> Pairs:
    """Leave out pairs whose value is empty, which is what null becomes."""
    return tuple(pair for pair in pairs if pair[1])


def _is_empty(value: JsonValue) -> bool:
    return value is None or value == ""
