"""Values as TOML text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: JsonValue) -> str:
    """Write a value on one line. Raises ValueError for what TOML cannot say: null, no numbers, half characters."""
    if isinstance(value, str):
        return to_json(value).decode().replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, but for DEL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(toml_lines(value))} }}" if value else "{}"
    raise ValueError("null and infinity have no form in TOML")


def toml_lines(table: Mapping[str, JsonValue]) -> list[str]:
    """Write each entry of a table as `key = value`."""
    return [f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items()]


def toml_key(key: str) -> str:
    """Write a key, in quotes if it must be."""
    return key if _BARE.fullmatch(key) else toml_value(key)
