"""Pairs: names and values as a query, a form and headers have them, out of the tables that people write."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import quote

from jackfield import JsonValue

Pairs: TypeAlias = tuple[tuple[str, str], ...]


def read_pairs(value: object) -> Pairs:
    """Read a table or a list of pairs, in its order.

    A table inside a table puts its keys in brackets (`a[b]`). A list repeats the name (`a=1&a=2`); one that contains
    tables or lists numbers them (`a[0][b]`), for otherwise nobody could put them together again. Booleans are `true`
    and `false`, null is empty, an empty list or table leaves the name out. Raises ValueError.
    """
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):  # noqa: PLR2004
        entries = [(name, item) for name, item in value]
    else:
        raise ValueError('write a table ({ name = "value" }) or a list of pairs ([["name", "value"]])')
    return tuple(pair for name, item in entries for pair in _flat(scalar_text(name, "a name"), item))


def scalar_text(value: object, what: str) -> str:
    """Write a single value as text. Raises ValueError, naming `what`, if it is none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError(f"{what} must be text, a number, true, false or null")


def percent_encode(pairs: Pairs) -> str:
    """Write pairs as a query or a form: UTF-8, percent-encoded, a space as `%20`. Raises UnicodeEncodeError."""
    return "&".join([f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs])


def _flat(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}[{key}]", item)
    elif isinstance(value, list):
        numbered = any(isinstance(item, dict | list) for item in value)
        for index, item in enumerate(value):
            yield from _flat(f"{name}[{index}]" if numbered else name, item)
    else:
        yield name, scalar_text(value, name)
