"""What is looked for, and in what text: how people write names and numbers must not matter.

A text is folded: case, `ё` and `е`, and forms of one letter are alike. Of numbers the digits alone are added to it, so
that a phone number is found however it was written. A run is found if every word of the query is somewhere in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import JsonValue

from jackfield.journal.sqlite.file.encoding import load

SHORTEST: Final = 3
"""How many characters in a row the index knows."""

_MARK: Final = "\x01"
_START: Final = re.compile(r"(?<![^\W_])\S[\s\S]")
_SEPARATORS: Final = r" \t()./\u2010-\u2015-"
_NUMBER: Final = re.compile(rf"[0-9](?:[{_SEPARATORS}]{{0,3}}[0-9]){{4,}}")
_PART_OF_NUMBER: Final = re.compile(rf"[+0-9{_SEPARATORS}]+")
_FEWEST: Final = 5
_PHONE: Final = range(7, 16)
_WHOLE_PHONE: Final = 10
_RUSSIAN: Final = 11
_MOST_TRIGRAMS: Final = 24
_MOST_OF_ONE: Final = 8
_ALIKE: Final = str.maketrans({"ё": "е", "\0": " ", _MARK: " "})


class Needle(NamedTuple):
    """One thing that has to be in the text: anywhere, or where a word begins."""

    text: str
    at_start: bool = False

    def is_in(self, text: str) -> bool:
        """Say whether it is there."""
        if not self.at_start:
            return self.text in text
        place = text.find(self.text, text.find("\n") + 1)  # the first line is the run's id, which has no words
        while place > 0 and text[place - 1].isalnum():
            place = text.find(self.text, place + 1)
        return place >= 0

    def trigrams(self) -> list[str]:
        """Name what the index must have of it; nothing if it is too short for the index."""
        if self.at_start:
            return [_MARK + self.text] if len(self.text) == SHORTEST - 1 else []
        last = len(self.text) - SHORTEST
        if last < 0:
            return []
        starts = [*range(0, last, 2), last]  # every second one: each costs time, and they overlap
        found = [self.text[start : start + SHORTEST] for start in starts]
        return list(dict.fromkeys(found))[:_MOST_OF_ONE]


@dataclass(frozen=True, slots=True)
class Terms:
    """A query: of each of its terms one of the alternatives has to be in the text, with all its needles."""

    terms: Sequence[Sequence[Sequence[Needle]]]

    @classmethod
    def parse(cls, query: str) -> Terms:
        """Read what somebody typed."""
        words = fold(query).split()
        short = len(words) == 1 and len(words[0]) < SHORTEST
        if short:
            return cls([[[Needle(words[0])]]])
        return cls([list(_alternatives(term)) for term in _terms(words)])

    def are_in(self, text: str) -> bool:
        """Say whether a text, as `text_of` makes it, has all of them."""
        return all(
            any(all(needle.is_in(text) for needle in needles) for needles in alternatives)
            for alternatives in self.terms
        )

    def expression(self) -> str | None:
        """Ask the index for the texts that may have them; None if all of them are too short for it."""
        asked: list[str] = []
        room = _MOST_TRIGRAMS
        for alternatives in self.terms:
            found = [[one for needle in needles for one in needle.trigrams()] for needles in alternatives]
            if all(found) and (not asked or room > 0):
                asked.append("(" + " OR ".join(" AND ".join(map(_quoted, one)) for one in found) + ")")
                room -= sum(map(len, found))
        return " AND ".join(asked) or None


def text_of(run: str, label: str | None, event: str) -> str:
    """Return the text of a run that is searched. Whatever else is to be found goes into `parts`.

    `event` is the event as the file has it; of one that is damaged there is no text.
    """
    parts = [label] if label else []
    with suppress(ValueError):
        parts += _lines(load(event))
    text = fold("\n".join(parts))
    return "\n".join([fold(run), text, *_digits(text)])


def indexed_text(text: str) -> str:
    """Add to a text what the index has besides: the first two characters of each word, so that short ones are found."""
    return text + _MARK + _MARK.join(sorted(set(_START.findall(text))))


def fold(text: str) -> str:
    """Make texts alike that people take for the same. Lone surrogates and NUL go: the index cannot hold them."""
    whole = text.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", whole).casefold()).translate(_ALIKE)


def _terms(words: Sequence[str]) -> Iterator[list[str]]:
    """Put together what may be one number that was typed with spaces."""
    parts: list[str] = []
    for word in [*words, ""]:
        if word and _PART_OF_NUMBER.fullmatch(word):
            parts.append(word)
            continue
        one = sum(map(_count, parts)) in _PHONE and not any(_count(part) >= _WHOLE_PHONE for part in parts)
        yield from [parts] if one else ([part] for part in parts)
        parts = []
        if word:
            yield [word]


def _alternatives(words: Sequence[str]) -> Iterator[list[Needle]]:
    yield [Needle(word, at_start=len(word) < SHORTEST) for word in words]
    whole = "".join(words)
    if _PART_OF_NUMBER.fullmatch(whole) and _count(whole) >= _FEWEST and _national(whole) != whole:
        yield [Needle(_national(whole))]


def _national(number: str) -> str:
    """Return the digits of a number, without what is dialled before it: +7 and 8 are alike, 00 is a plus."""
    digits = "".join(filter(str.isdigit, number))
    if len(digits) > _RUSSIAN:
        return digits.removeprefix("00")
    beginning = len(digits) in _PHONE and number != digits
    return digits[1:] if digits[:1] in ("7", "8") and (len(digits) == _RUSSIAN or beginning) else digits


def _count(word: str) -> int:
    return sum(map(str.isdigit, word))


def _digits(text: str) -> Iterator[str]:
    """Find the numbers that are written with something between their digits."""
    for number in _NUMBER.findall(text):
        if not number.isdigit():
            yield "".join(filter(str.isdigit, number))


def _lines(value: JsonValue, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, name)
    else:
        yield f"{name} {value}"


def _quoted(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'
