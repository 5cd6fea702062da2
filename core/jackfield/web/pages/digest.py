"""An event in a few words, so that people can tell one from another."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue
from pydantic_core import to_json

_MOST: Final = 3
_LOOKED_AT: Final = 200
"""How many values of an event are looked at, the outermost first."""
_CUT: Final = 40
_RANKS: Final = (
    re.compile(r"mail", re.IGNORECASE),
    re.compile(r"name|phone|title|имя|фамилия|телефон|почта|название", re.IGNORECASE),
)


def digest(event: JsonValue) -> str:
    """Name the values by which people know an event: its e-mail address, its names, else whatever is filled in.

    The latter with their keys. Empty if nothing is filled in.
    """
    filled = [leaf for leaf in _leaves(event) if leaf[1]]
    best_first = sorted(filled, key=lambda leaf: _rank(leaf[0]))
    said = dict.fromkeys(_words(key, text) for key, text in best_first)
    return ", ".join(islice(said, _MOST))


def _words(key: str, text: str) -> str:
    return _cut(text) if _rank(key) < len(_RANKS) or not key else f"{_cut(key)}: {_cut(text)}"


def _cut(text: str) -> str:
    line = " ".join(text[: 10 * _CUT].split())
    return line if len(line) <= _CUT else f"{line[:_CUT]}…"


def _rank(key: str) -> int:
    return next((rank for rank, pattern in enumerate(_RANKS) if pattern.search(key)), len(_RANKS))


def _leaves(event: Any) -> Iterator[tuple[str, str]]:
    """Go through the texts and numbers of an event, the outermost first, with the key under which each one is."""
    rest = deque([("", event)])
    for _ in range(_LOOKED_AT):
        if not rest:
            return
        key, value = rest.popleft()
        if isinstance(value, dict):
            rest.extend(islice(value.items(), _LOOKED_AT))
        elif isinstance(value, list):
            rest.extend((key, item) for item in value[:_LOOKED_AT])
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield key, " ".join((value if isinstance(value, str) else to_json(value).decode()).split())
