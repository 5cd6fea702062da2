"""Which paths the host takes: those that a proxy before it, whatever it decodes or resolves, reads as the host does."""

from __future__ import annotations

import re
from typing import Final

from starlette.types import Scope

_UNCLEAR: Final = re.compile(rb"(?:/|%2f)(?:\.|%2e){1,2}(?:/|%2f|%5c|$)|%2f|%5c|\\", re.IGNORECASE)
"""Dot segments (RFC 3986, section 5.2.4), and slashes and backslashes that are encoded."""


def is_unclear(scope: Scope) -> bool:
    """Tell whether a path leads elsewhere once it is decoded and resolved: past the rule of a proxy, for example."""
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    return (b"%" in path or b"." in path or b"\\" in path) and _UNCLEAR.search(path) is not None
