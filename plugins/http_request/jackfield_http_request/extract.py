"""Values taken out of an answer's body, by JSONPath."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jsonpath_ng import JSONPath
from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.ext.parser import parse
from jsonpath_ng.ext.string import DefintionInvalid
from jsonpath_ng.jsonpath import Child, Fields, Index, Root

from jackfield import JsonObject, JsonValue, PermanentFailure

_PATHS_REMEMBERED: Final = 256


def checked_paths(paths: Mapping[str, str]) -> Mapping[str, str]:
    """Return the paths if each can be read. Raises ValueError, naming the one that cannot."""
    for name, path in paths.items():
        try:
            _compiled(path)
        except (JSONPathError, DefintionInvalid):
            raise ValueError(f'{name} is no JSONPath; write one such as "$.access_token"') from None
    return paths


def extracted(paths: Mapping[str, str], body: JsonValue, host: str) -> JsonObject:
    """Take the values out of a body: one for a path of names and single indexes, a list for any other.

    Raises `PermanentFailure` if a path selects nothing.
    """
    return {name: _value(path, body, host) for name, path in paths.items()}


def _value(path: str, body: JsonValue, host: str) -> JsonValue:
    compiled = _compiled(path)
    values = [match.value for match in compiled.find(body)]
    if not values:
        raise PermanentFailure(f"extract: {path} selects nothing in what {host} answered; see the attempt")
    return values[0] if _is_singular(compiled) else values


@lru_cache(_PATHS_REMEMBERED)
def _compiled(path: str) -> JSONPath:
    return parse(path)


def _is_singular(path: JSONPath) -> bool:
    if isinstance(path, Child):
        return _is_singular(path.left) and _is_singular(path.right)
    if isinstance(path, Fields):
        return len(path.fields) == 1 and path.fields[0] != "*"
    return isinstance(path, Root) or (isinstance(path, Index) and len(path.indices) == 1)
