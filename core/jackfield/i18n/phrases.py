"""Says sentences in another language by a book of phrases, each of which is known by its literal pieces.

Errors are English sentences, in the journal, the log and the API alike. A phrase such as `%(host)s did not answer in
time` stands for all sentences that are so but for the host, and says them in another language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

from babel.messages.pofile import PoFileError, read_po

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
_LEAST_LETTERS: Final = 3
_ANCHOR: Final = 3
"""With so many characters or more before its first placeholder, a phrase is found by them."""

_DEEPEST: Final = 12
_JOINTS: Final = 5
_LINES: Final = 100
_LOOK_UP: Final = 1_000
_LOOK_UPS: Final = 100
_TIMES: Final = 16
"""What is read in all, look-up by look-up, is no more than this many times the text, and 100 look-ups beside that."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase. Its `pieces` stand around its placeholders; in `said`, every second part is a placeholder's number.

    A piece is what a sentence is known by, so there is one between any two placeholders.
    """

    pieces: tuple[str, ...]
    said: tuple[str | int, ...]

    @classmethod
    def of(cls, text: str, said: str) -> Phrase:
        """Make a phrase of the English text and of what it is in the other language, both with `%(name)s` in them.

        Raises ValueError if it could not be recognised, or if the two do not have the same placeholders.
        """
        parts, words = _PLACEHOLDER.split(text), _PLACEHOLDER.split(said)
        pieces, names = tuple(parts[::2]), parts[1::2]
        if sum(map(str.isalpha, "".join(pieces))) < _LEAST_LETTERS:
            raise ValueError(f'the phrase "{text}" has fewer than {_LEAST_LETTERS} letters of its own')
        if not all(pieces[1:-1]):
            raise ValueError(f'the phrase "{text}" has two placeholders with nothing between them')
        if len(set(names)) < len(names) or set(names) != set(words[1::2]):
            raise ValueError(f'the phrase "{text}" must have each of its placeholders once, and its translation all')
        return cls(pieces, tuple(names.index(word) if index % 2 else word for index, word in enumerate(words)))

    def values(self, text: str) -> Sequence[str] | None:
        """Return what stands in this text where the phrase has placeholders; None if it is another sentence."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return () if text == first else None
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return None
        values = []
        for piece in self.pieces[1:-1]:
            found = text.find(piece, at, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(piece)
        return [*values, text[at:end]]


class Phrasebook:
    """All phrases of one language. Call it with a text to have it said in the language, as far as that is known.

    Any text may be given: it takes no longer than in proportion to its length, and nothing is raised. Of phrases that
    fit, those that begin with a piece of their own come first, then those with more of the sentence in their pieces,
    then those that were given first. What stands in a placeholder is looked up as well, and so are the lines of a text,
    its sentences between semicolons, and what follows the file or the key that it is about. What is not in the book
    stays as it is.
    """

    def __init__(self, phrases: Iterable[Phrase] = ()) -> None:
        self._anchored: dict[str, list[Phrase]] = {}
        self._others: list[Phrase] = []
        for phrase in sorted(phrases, key=lambda phrase: -sum(map(len, phrase.pieces))):
            first = phrase.pieces[0]
            found = self._anchored.setdefault(first[:_ANCHOR], []) if len(first) >= _ANCHOR else self._others
            found.append(phrase)

    def __call__(self, text: str) -> str:
        """Say a text; what is not known of it stays in English."""
        said = _Reading(self, len(text)).say(text, _DEEPEST)
        return text if said is None else said

    def look_up(self, text: str) -> tuple[Phrase, Sequence[str]] | None:
        """Find the phrase for the whole of a text, and what stands in its placeholders."""
        for phrase in (*self._anchored.get(text[:_ANCHOR], ()), *self._others):
            values = phrase.values(text)
            if values is not None:
                return phrase, values
        return None


class _Reading:
    """One text on its way into the language. Every method returns None for what is not known, and goes no deeper."""

    def __init__(self, book: Phrasebook, length: int) -> None:
        self._book = book
        self._left = _LOOK_UPS * _LOOK_UP + _TIMES * length
        self._lines: dict[str, str | None] = {}
        self._sentences: dict[str, str | None] = {}

    def say(self, text: str, depth: int) -> str | None:
        """Say a text of any kind."""
        if "\n" not in text:
            return self._line(text, depth)
        lines = text.split("\n", _LINES)
        said = [self._line(line, depth) if line.strip() else line for line in lines]
        if None in said and (whole := self._sentence(text, depth)) is not None:
            return whole
        if not any(known is not None and line.strip() for line, known in zip(lines, said, strict=True)):
            return None
        return "\n".join(line if known is None else known for line, known in zip(lines, said, strict=True))

    def _line(self, text: str, depth: int) -> str | None:
        if text not in self._lines:
            said = self._joined(text, depth) if depth > 0 and "; " in text else None
            self._lines[text] = self._sentence(text, depth) if said is None else said
        return self._lines[text]

    def _joined(self, text: str, depth: int) -> str | None:
        """Say sentences that are joined by semicolons, both sides of one of which are known."""
        parts = text.split("; ", _JOINTS)
        for count in range(1, len(parts)):
            left = self._sentence("; ".join(parts[:count]), depth - 1)
            right = None if left is None else self._line("; ".join(parts[count:]), depth - 1)
            if right is not None:
                return f"{left}; {right}"
        return None

    def _sentence(self, text: str, depth: int) -> str | None:
        if text in self._sentences:
            return self._sentences[text]
        cost = len(text) + _LOOK_UP
        if depth <= 0 or cost > self._left:
            return None
        self._left -= cost
        said = self._sentences[text] = self._looked_up(text, depth)
        return said

    def _looked_up(self, text: str, depth: int) -> str | None:
        where, colon, rest = text.partition(": ")
        said = self.say(rest, depth - 1) if colon and where and " " not in where else None
        return self._phrase(text, depth) if said is None else where + colon + said

    def _phrase(self, text: str, depth: int) -> str | None:
        found = self._book.look_up(text)
        if found is None:
            return None
        phrase, values = found
        said = [value if (known := self.say(value, depth - 1)) is None else known for value in values]
        return "".join(said[part] if isinstance(part, int) else part for part in phrase.said)


def read_phrases(file: Traversable, language: str) -> list[Phrase]:
    """Read a `.po` file; what is not translated in it, or marked as uncertain, is left out.

    Raises ValueError for what is wrong with it, OSError if it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            catalog = read_po(opened, locale=language, abort_invalid=True)
    except PoFileError as error:
        raise ValueError(str(error)) from None
    found = []
    for message in catalog:
        if not isinstance(message.id, str) or not isinstance(message.string, str):
            raise ValueError(f"{message.id[0]!r} has plural forms; a phrase has none")  # noqa: TRY004 - of the file
        if message.id and message.string and not message.fuzzy:
            found.append(Phrase.of(message.id, message.string))
    return found
