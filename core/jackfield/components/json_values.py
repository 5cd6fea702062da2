"""Whether a value that a plugin gives is JSON.

It is looked at level by level, with what Python does in C: pydantic's check takes ten times longer for an event that is
all brackets, and a second for one of a megabyte.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Final, TypeVar

MOST_LEVELS: Final = 200
"""How deep an event, or what an action returns, may be nested."""

_ContainerT = TypeVar("_ContainerT", dict[Any, Any], list[Any])
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_DATA: Final = (str, int, float, dict, list, type(None))


class NotJsonError(ValueError):
    """The value is not JSON: it holds something of another type, or something other than text for a key."""


class TooDeepError(ValueError):
    """The value is JSON, but nested more deeply than anything here is made for."""


def check_json(value: Any) -> None:
    """Return if the value is JSON. Raises `NotJsonError` and `TooDeepError`."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        kinds = set(map(type, level))
        if kinds <= _SCALARS:
            return
        if not all(issubclass(kind, _DATA) for kind in kinds):
            raise NotJsonError
        tables = _of(dict, level, kinds)
        if not all(issubclass(kind, str) for kind in set(map(type, chain.from_iterable(tables)))):
            raise NotJsonError
        level = [*chain.from_iterable(map(dict.values, tables)), *chain.from_iterable(_of(list, level, kinds))]
    raise TooDeepError


def _of(container: type[_ContainerT], values: list[Any], kinds: set[type[Any]]) -> list[_ContainerT]:
    wanted = {kind for kind in kinds if issubclass(kind, container)}
    if not wanted or wanted == kinds:
        return values if wanted else []
    return [value for value in values if type(value) in wanted]
