"""Values as TOML text, laid out as people lay it out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH: Final = 100
_FEW: Final = 4
"""How many entries a table on one line may have."""


def toml_value(value: JsonValue | date | time) -> str:
    """Write a value on one line. Raises ValueError for what TOML cannot say: null, no numbers, half characters."""
    if isinstance(value, str):
        return to_json(value).decode().replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, but for DEL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, date | time):  # what TOML has beyond JSON
        return value.isoformat()
    if isinstance(value, dict):
        return f"{{ {', '.join(toml_lines(value))} }}" if value else "{}"
    raise ValueError("null and infinity have no form in TOML")


def toml_lines(table: Mapping[str, JsonValue]) -> list[str]:
    """Write each entry of a table as `key = value`."""
    return [f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items()]


def toml_key(key: str) -> str:
    """Write a key, in quotes if it must be."""
    return key if _BARE.fullmatch(key) else toml_value(key)


def toml_text(value: JsonValue) -> str:
    """Write a value as it reads best: text of several lines on several lines, a long list an entry a line."""
    if isinstance(value, str) and "\n" in value.strip("\n"):
        return _paragraph(value)
    if isinstance(value, list) and len(toml_value(value)) > _WIDTH:
        return "[\n" + "".join(f"  {toml_value(item)},\n" for item in value) + "]"
    return toml_value(value)


def toml_entry(key: str, value: JsonValue) -> str:
    """Write `key = value` as it reads best, with the line end."""
    return f"{toml_key(key)} = {toml_text(value)}\n"


def fits_in_line(key: str, value: JsonValue) -> bool:
    """Tell whether a value reads well as an entry, rather than as a table with a header of its own."""
    if isinstance(value, dict):
        small = len(value) <= _FEW and len(toml_value(value)) + len(key) <= _WIDTH
        return small and not any("\n" in item for item in value.values() if isinstance(item, str))
    return not _tables(value) or len(toml_value(value)) + len(key) <= _WIDTH


def toml_tables(header: Sequence[str], value: JsonValue) -> str:
    """Write a table, or a list of them, under a header of its own, and what is too large for a line under further ones.

    Each header has an empty line before it.
    """
    name = ".".join(map(toml_key, header))
    if isinstance(value, dict):
        return f"\n[{name}]\n" + _body(header, value)
    items = value if isinstance(value, list) else []
    return "".join(f"\n[[{name}]]\n" + _body(header, item) for item in items if isinstance(item, dict))


def toml_document(data: Mapping[str, JsonValue]) -> str:
    """Write a whole file: single values first, then each table under its header. Raises ValueError as `toml_value`."""
    tables = {key: value for key, value in data.items() if isinstance(value, dict) or _tables(value)}
    entries = "".join(toml_entry(key, value) for key, value in data.items() if key not in tables)
    return (entries + "".join(toml_tables((key,), value) for key, value in tables.items())).lstrip("\n")


def _body(header: Sequence[str], table: Mapping[str, JsonValue]) -> str:
    small = {key: value for key, value in table.items() if fits_in_line(key, value)}
    large = {key: value for key, value in table.items() if key not in small}
    below = "".join(toml_tables((*header, key), value) for key, value in large.items())
    return "".join(toml_entry(key, value) for key, value in small.items()) + below


def _tables(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _paragraph(text: str) -> str:
    escaped = toml_value(text)[1:-1].replace("\\n", "\n").replace('\\"', '"')
    if '"""' in escaped or escaped.endswith('"') or "\\\n" in escaped:
        return toml_value(text)
    return f'"""\n{escaped}"""'
