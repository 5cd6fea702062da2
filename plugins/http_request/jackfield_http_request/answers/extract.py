"""Values taken out of an answer's body, by JSONPath."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jackfield import JackfieldError, JsonObject, JsonPath, JsonValue, PermanentFailure

_PATHS_REMEMBERED: Final = 256


def checked_paths(paths: Mapping[str, str]) -> Mapping[str, str]:
    """Return the paths if each can be read. Raises ValueError, naming the one that cannot."""
    for name, path in paths.items():
        try:
            _compiled(path)
        except JackfieldError:
            raise ValueError(f'{name} is no JSONPath; write one such as "$.access_token"') from None
    return paths


def extracted(paths: Mapping[str, str], body: JsonValue, host: str) -> JsonObject:
    """Take the values out of a body: one for a path of names and single indexes, a list for any other.

    Raises `PermanentFailure` if a path selects nothing.
    """
    return {name: _value(path, body, host) for name, path in paths.items()}


def _value(path: str, body: JsonValue, host: str) -> JsonValue:
    compiled = _compiled(path)
    try:
        values = compiled.find(body)
    except JackfieldError as error:
        raise PermanentFailure(f"extract: {error}") from None
    if not values:
        raise PermanentFailure(f"extract: {path} selects nothing in what {host} answered; see the attempt")
    return values[0] if compiled.singular else values


@lru_cache(_PATHS_REMEMBERED)
def _compiled(path: str) -> JsonPath:
    return JsonPath(path)
