"""Words in Latin letters."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import Final

from slugify import slugify

from jackfield_filters.plain import plain_text

_WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")  # with accents that no letter has by itself
_MOST_LETTERS: Final = 1000
_in_latin: Final = partial(slugify, entities=False, decimal=False, hexadecimal=False)


class TooManyLettersError(ValueError):
    """The text has more different letters than any text in an alphabet."""


def slug(value: object, separator: str = "-") -> str:
    """Return a text as a part of an address: `Щукин Пётр, №2` is `shchukin-petr-no2`. May come to nothing."""
    return _in_latin(plain_text(value), separator=separator)


def translit(value: object) -> str:
    """Write words in Latin letters, much as Russian passports do: `Юлия ЩУКИНА` is `Iuliia SHCHUKINA`.

    Spaces, digits and signs stay. What cannot be written in Latin letters is left out. Raises `TooManyLettersError` for
    more than a thousand different letters, each of which takes a while.
    """
    text = unicodedata.normalize("NFC", plain_text(value))
    foreign = {one for found in _WORD.finditer(text) for one in found.group() if not one.isascii()}
    if len(foreign) > _MOST_LETTERS:
        raise TooManyLettersError(f"the text has more than {_MOST_LETTERS} different letters; shorten it")
    letters = str.maketrans({one: _in_latin(one, lowercase=False, separator="") for one in foreign})

    def word(found: re.Match[str]) -> str:
        latin = found.group().translate(letters)
        return latin.upper() if found.group().isupper() and len(found.group()) > 1 else latin

    return _WORD.sub(word, text)
