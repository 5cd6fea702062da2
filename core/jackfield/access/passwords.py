"""Which passwords are too easy to guess."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1000
_FEWEST_SIGNS: Final = 5
_LEFT_OF_NAME: Final = 8
_SHORTEST_NAME: Final = 3
_ROW: Final = 5
"""How many neighbours on the keyboard or in the alphabet make a row."""

_COMMON: Final = frozenset(
    """
    password passwort passwd pass parol parola parolya qwerty qwertyuiop qwertyui qwertz azerty asdfgh asdfghjkl zxcvbn
    zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc admin administrator root user operator viewer guest login welcome letmein
    changeme secret trustnoone iloveyou monkey dragon football baseball basketball master superman batman starwars
    princess sunshine shadow freedom whatever michael jordan killer pokemon computer internet samsung google facebook
    jackfield getcourse school student course webinar default test testing tester demo hello helloworld abcdef abcdefgh
    пароль парольпароль мойпароль йцукен йцукенг йцукенгш йцукенгшщз йцукенгшщзхъ фывапролдж ячсмить админ администратор
    привет приветмир солнышко любовь любимая любимый наташа марина максим спартак зенит россия москва школа учитель курс
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""What most people take first, without the digits and signs that they put around it."""
_ROWS: Final = (
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
)
_AROUND: Final = "0123456789!.,-_*#?$@+"
_DISGUISE: Final = str.maketrans("@4301!5$7", "aaeoiisst")


class Weakness(StrEnum):
    """What is wrong with a password."""

    LENGTH = "length"
    COMMON = "common"
    NAME = "name"


def weakness(password: str, name: str) -> Weakness | None:
    """Say why a password of this user is too easy to guess; None if that is not seen at once."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return Weakness.LENGTH
    text, own = password.casefold(), name.casefold()
    if len(own) >= _SHORTEST_NAME and own in text and len(text.replace(own, "")) < _LEFT_OF_NAME:
        return Weakness.NAME
    return Weakness.COMMON if _is_common(text) else None


def _is_common(text: str) -> bool:
    if len(set(text)) < _FEWEST_SIGNS:
        return True
    core = text.strip(_AROUND)
    forms = (text, core, core.translate(_DISGUISE))
    letters = {*forms, *(re.sub(r"[\W\d_]+", "", form) for form in forms)}
    halves = {word[: len(word) // 2] for word in letters if word[: len(word) // 2] * 2 == word}
    return bool((letters | halves) & _COMMON) or len(_without_rows(text)) < _ROW


def _without_rows(text: str) -> str:
    """Take out what is a row on the keyboard or in the alphabet, forwards or backwards."""
    rest, at = "", 0
    while at < len(text):
        row = max((_row_at(text, at, line) for keys in _ROWS for line in (keys, keys[::-1])), default=0)
        rest += "" if row >= _ROW else text[at]
        at += row if row >= _ROW else 1
    return rest


def _row_at(text: str, at: int, line: str) -> int:
    """Count the signs from a place on that follow each other in a line of keys."""
    place = line.find(text[at])
    if place < 0:
        return 0
    length = 1
    while at + length < len(text) and place + length < len(line) and text[at + length] == line[place + length]:
        length += 1
    return length
