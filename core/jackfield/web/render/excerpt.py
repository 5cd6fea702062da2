"""What a page shows of texts that anybody may have sent: all of them, or their beginnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONEncoder
from typing import Final

from markupsafe import escape
from pydantic import JsonValue
from pydantic_core import from_json, to_json

_LONGEST: Final = 100_000
"""Characters of one text, and of a body that is looked at for JSON: more would keep the host busy."""
_LARGEST_CHARACTER: Final = 6
"""Bytes of a character on a page, once it is escaped, at most."""
_LAID_OUT: Final = JSONEncoder(ensure_ascii=False, indent=2)
_MORE: Final = "…"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text, or its beginning with an ellipsis if it is not the `whole` of it."""

    text: str
    whole: bool = True


class Excerpts:
    """Takes the excerpts for one page: each of at most `longest` characters, all together of `room` bytes.

    Who comes first is served first. Indented, JSON can be a hundred times as long as it came in.
    """

    def __init__(self, room: int, longest: int = _LONGEST) -> None:
        self._room = room
        self._longest = longest

    def json(self, value: JsonValue) -> Excerpt:
        """Lay JSON out in lines, or write it in one if it is too long otherwise; whatever the journal gives will do."""
        laid_out = self._laid_out(value)
        compact = laid_out if laid_out.whole else self._compact(value)
        return self._fitting(compact if compact.whole else laid_out)

    def body(self, body: str) -> Excerpt:
        """Lay JSON out in lines; anything else stays as it is."""
        if len(body) <= _LONGEST and body.lstrip().startswith(("{", "[")):
            try:
                return self.json(from_json(body))
            except ValueError:
                pass
        return self.text(body)

    def text(self, text: str) -> Excerpt:
        """Show a text as it is."""
        return self._fitting(_beginning(text, self._longest))

    def takes(self, text: str) -> bool:
        """Tell whether there is room for the whole of a text, and take it if there is."""
        size = _size(text)
        if size > self._room:
            return False
        self._room -= size
        return True

    def _laid_out(self, value: JsonValue) -> Excerpt:
        """Stop when there is enough."""
        try:
            return _beginning("".join(_until(_LAID_OUT.iterencode(value), self._longest)), self._longest)
        except RecursionError:
            return Excerpt(_MORE, whole=False)

    def _compact(self, value: JsonValue) -> Excerpt:
        try:
            return _beginning(to_json(value).decode(), self._longest)
        except ValueError:  # half a character, or deeper than it goes
            return Excerpt(_MORE, whole=False)

    def _fitting(self, excerpt: Excerpt) -> Excerpt:
        if self.takes(excerpt.text):
            return excerpt
        beginning = _beginning(excerpt.text, max(0, self._room) // _LARGEST_CHARACTER)
        self._room -= _size(beginning.text)
        return beginning


def _until(pieces: Iterator[str], longest: int) -> Iterator[str]:
    for piece in pieces:
        yield piece
        longest -= len(piece)
        if longest < 0:
            return


def _beginning(text: str, longest: int) -> Excerpt:
    return Excerpt(text) if len(text) <= longest else Excerpt(f"{text[:longest]}{_MORE}", whole=False)


def _size(text: str) -> int:
    return len(escape(text).encode("utf-8", "backslashreplace"))
