"""One `$...` path: where it ends in a text, the look-up that it compiles to, and why it selects nothing.

Names, indexes and quoted names (`$.event.items[0]['first name']`) are looked up here. Everything else (`[*]`, `..`,
slices, filters) is a query, whose text has each name in quotes, because jsonpath-ng cannot read bare names outside
ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final, TypeAlias, cast

from pydantic import JsonValue

from jackfield.errors import TemplateError
from jackfield.templates.limits.budget import Budget
from jackfield.templates.paths.query import LONGEST, Key, Query

Document: TypeAlias = Mapping[str, JsonValue]

_STRING: Final = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_BARE_NAME: Final = r"\w+(?:-\w+)*"

_DOTS: Final = re.compile(r"\.{0,2}")
_NAME: Final = re.compile(_BARE_NAME)
_QUOTED: Final = re.compile(_STRING, re.DOTALL)
_WILDCARD_OR_FUNCTION: Final = re.compile(r"\*|`[^`]*`")
_INDEX: Final = re.compile(r"-?[0-9]+")
_BRACKET_TOKEN: Final = re.compile(rf"{_STRING}|.", re.DOTALL)
_STRING_OR_DOTTED_NAME: Final = re.compile(rf"{_STRING}|(?<=\.)(?!\d){_BARE_NAME}", re.DOTALL)

_KEYS_SHOWN: Final = 20
_KEY_LENGTH_SHOWN: Final = 40
_KEYS_COMPARED: Final = 1000


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path.

    `keys` are the names and indexes that it begins with: all of it if it is `singular`.
    """

    text: str
    keys: tuple[Key, ...]
    singular: bool
    query: Query | None = field(default=None, compare=False)
    """What looks up a path that is not singular."""

    def find(self, document: Document, budget: Budget | None = None) -> JsonValue:
        """Return what the path selects: one value if it is singular, and a list, maybe empty, if not.

        Raises `LookupError` if it is singular and selects nothing, `TemplateError` if it takes too long.
        """
        if self.query is not None:
            return self.query.find(document, budget)
        value: Any = document
        for key in self.keys:
            value = _child(value, key)
        return cast("JsonValue", value)

    def places(self, document: Document, budget: Budget | None = None) -> list[tuple[Key, ...]]:
        """Return where in the document that is; what a function such as `len` gives is nowhere.

        Raises `TemplateError` if it takes too long.
        """
        if self.query is not None:
            return self.query.places(document, budget)
        try:
            self.find(document)
        except LookupError:
            return []
        return [self.keys]

    def explain(self, document: Document) -> str:
        """Say why a singular path selects nothing in this document: keys are named, values are not."""
        value: Any = document
        place = "$"
        for key in self.keys:
            try:
                value = _child(value, key)
            except LookupError:
                return f"{self.text} selects nothing; {describe_gap(value, key, place)}"
            place += _written(key)
        return f"{self.text} selects nothing"


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a path: as jsonpath-ng reads it, where it ends, and its key unless it may select many values."""

    expression: str
    end: int
    key: Key | None


def read_path(text: str, start: int = 0) -> tuple[Path, int]:
    """Compile the path whose `$` is at `start`; return it and the place after its last character.

    A hyphen between two characters of a name belongs to it (`$.event.VK-ID`); with a space it is a minus. Raises
    `TemplateError` if it is not a JSONPath.
    """
    position = start + 1
    segments: list[_Segment] = []
    while segment := _read_segment(text, start, position):
        segments.append(segment)
        position = segment.end
    return _compile(text[start:position], segments), position


def event_path(text: str) -> Path:
    """Compile a path that stands alone and leads to values of the event. Raises `TemplateError`, with what to write."""
    path, end = read_path(text) if text.startswith("$") else (None, 0)
    if path is None or end != len(text):
        name = text.strip(" {}$.").removeprefix("event.")
        raise TemplateError(f"{text!r} is not one path of the event; {_suggested(name)}")
    if path.keys[:1] != ("event",) or "`" in text:
        raise TemplateError(f"{text} leads out of the event; {_suggested('.'.join(map(str, path.keys)))}")
    if path.text == "$.event":
        raise TemplateError("$.event is the event itself; did you mean $.event.*, which is all that is in it?")
    return path


def _suggested(name: str) -> str:
    last = name.rpartition(".")[2]
    return f"did you mean $.event.{last}?" if _NAME.fullmatch(last) else "write it as $.event['...']"


def _compile(text: str, segments: list[_Segment]) -> Path:
    keys: list[Key] = []
    for segment in segments:
        if segment.key is None:
            break
        keys.append(segment.key)
    singular = len(keys) == len(segments)
    if singular:
        return Path(text, tuple(keys), singular)
    query = Query("$" + "".join(part.expression for part in segments), text)
    return Path(text, tuple(keys), singular, query)


def _child(value: Any, key: Key) -> JsonValue:
    if isinstance(value, str):  # which has indexes in Python, but none in JSON
        raise LookupError  # noqa: TRY004 - nothing is there
    try:
        return value[key]  # type: ignore[no-any-return]
    except TypeError:
        raise LookupError from None


def _read_segment(text: str, start: int, position: int) -> _Segment | None:
    dots = _DOTS.match(text, position).group()  # type: ignore[union-attr]  # it matches the empty text
    position += len(dots)
    if text.startswith("[", position):
        segment = _read_bracket(text, start, position)
    elif not dots:
        return None
    elif match := _NAME.match(text, position):
        segment = _key_segment(match.group(), match.end())
    elif match := _QUOTED.match(text, position):
        segment = _key_segment(_unquote(match.group()), match.end())
    elif match := _WILDCARD_OR_FUNCTION.match(text, position):
        return _Segment(dots + match.group(), match.end(), None)
    else:
        raise TemplateError(
            f"{text[start:position]} lacks a name after its last dot; write a name with special characters as ['...']"
        )
    return _Segment(dots + segment.expression, segment.end, None) if dots == ".." else segment


def _read_bracket(text: str, start: int, position: int) -> _Segment:
    end = _bracket_end(text, start, position)
    content = text[position + 1 : end - 1].strip()
    if _QUOTED.fullmatch(content):
        return _key_segment(_unquote(content), end)
    if _INDEX.fullmatch(content):
        return _Segment(f"[{content}]", end, int(content))
    if _NAME.fullmatch(content):
        path = text[start:position]
        raise TemplateError(
            f"{text[start:end]} is ambiguous; write {path}['{content}'] for the key, ({path})[{content}] for a variable"
        )
    return _Segment(f"[{_quote_names(content)}]", end, None)


def _bracket_end(text: str, start: int, position: int) -> int:
    depth = 0
    for token in _BRACKET_TOKEN.finditer(text, position, position + LONGEST):  # for it may look at each quote's rest
        depth += (token.group() in "[(") - (token.group() in "])")
        if not depth:
            return token.end()
    if len(text) > position + LONGEST:
        raise TemplateError(f"{text[start : start + 40]}… is too long for a path; write it in {LONGEST} characters")
    raise TemplateError(f"{text[start : position + 1]} has a bracket that is never closed; add the missing ]")


def _key_segment(name: str, end: int) -> _Segment:
    return _Segment(f"[{_quote(name)}]", end, name)


def _quote(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _unquote(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


def _quote_names(selector: str) -> str:
    """Put the names of a filter's own paths (`@.имя`) in quotes."""

    def quote(match: re.Match[str]) -> str:
        return match.group() if match.group()[0] in "'\"" else _quote(match.group())

    return _STRING_OR_DOTTED_NAME.sub(quote, selector)


def describe_gap(container: object, key: Key | None, place: str) -> str:
    """Say what is there instead of a key that is missing: what it may have meant, the keys, never a value.

    `place` is the path to the container, or empty; without a `key` nothing is suggested.
    """
    subject = {"$": "the document", "": "it"}.get(place, place.removeprefix("$."))
    if isinstance(container, Mapping):
        nearest = closest(key, container) if isinstance(key, str) else None
        suggestion = "" if nearest is None else f"did you mean {place}{_written(nearest)}? "
        return f"{suggestion}{subject} {_inventory(container)}"
    if isinstance(container, list):
        remedy = ": take one element with [0] or all of them with [*]" if isinstance(key, str) else ""
        return f"{subject} is a list of {len(container)}{remedy}"
    return f"{subject} is {_kind(container)} and has nothing inside"


def closest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a misspelt word most likely means, or None."""
    folded = {name[:_KEY_LENGTH_SHOWN].casefold(): name for name in islice(names, _KEYS_COMPARED)}
    return next((folded[match] for match in get_close_matches(word.casefold(), folded, n=1)), None)


def _inventory(container: Mapping[str, object]) -> str:
    if not container:
        return "is empty"
    keys = ", ".join(_shown(key) for key in islice(container, _KEYS_SHOWN))
    more = len(container) - _KEYS_SHOWN
    return f"has: {keys}" + (f" and {more} more" if more > 0 else "")


def _shown(key: str) -> str:
    """A key as a message may show it: it is the sender's, so it is cut, and escaped unless it is a plain name."""
    if len(key) > _KEY_LENGTH_SHOWN:
        return f"{key[:_KEY_LENGTH_SHOWN]!r}…"
    return key if _NAME.fullmatch(key) else repr(key)


def _written(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _NAME.fullmatch(key) and len(key) <= _KEY_LENGTH_SHOWN else f"[{_shown(key)}]"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else f"a {type(value).__name__}"
