"""Keeps secrets out of whatever is written or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

MASKED: Final = "***"
CREDENTIAL_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Headers whose values are masked whatever they are; names in lower case."""

SHORTEST_SECRET: Final = 6
"""Secrets of this many characters are masked. A shorter one would hide Jackfield's own words and give itself away."""

_NEVER_ENCODED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_SHORT_ESCAPES: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_LAST_OF_LATIN_1: Final = 0xFF
_ESCAPES: Final = b"\\%+"
"""What an escape begins with."""
_LONGEST_PATTERN: Final = 2000
"""A value of more characters is compared one by one: a pattern of it would take a kilobyte for each."""
_LEAST: Final = 6
_LEAST_ANYWHERE: Final = 8
_CUT: Final = re.compile(rb"\.\.\.|\xe2\x80\xa6|[\"']\s*[,:}\]]|[\"'\\\])}>\s]*\Z")
"""What follows where somebody has broken a text off."""

_CREDENTIAL_KEY: Final = re.compile('"(?:' + "|".join(sorted(CREDENTIAL_HEADERS)) + ')"', re.IGNORECASE)


class Mask:
    """Replaces secret values in text by `***`.

    A value is found as it is, percent-encoded (whichever characters the encoder left alone, `+` for a space), and
    escaped as JSON or Python's `repr()` do it, with its letters in any case; where values overlap, the longest goes
    first. The beginning of one that somebody has broken off is found, too: half of it or more, and six characters where
    the text itself ends or an ellipsis follows. Other encodings (base64, a hash) are not found. `values` are those
    that are hidden: none that is empty, or has fewer characters than `shortest`.
    """

    def __init__(self, values: Iterable[str] = (), *, shortest: int = 1) -> None:
        self.values: Final = frozenset(value for value in values if len(value) >= max(shortest, 1))
        self._shortest = shortest

    @cached_property
    def _beginnings(self) -> re.Pattern[bytes]:
        return _pattern(sorted({value[:_LEAST] for value in self.values}, key=len, reverse=True))

    @cached_property
    def _forms(self) -> Mapping[int, Sequence[_Form]]:
        """Return the values by the bytes that they may begin with."""
        found: dict[int, list[_Form]] = {}
        for form in map(_Form, self.values):
            for byte in form.first:
                found.setdefault(byte, []).append(form)
        return found

    def __call__(self, text: str) -> str:
        """Return the text with `***` in place of every secret value."""
        if not self.values:
            return text
        data = text.encode("utf-8", "surrogatepass")
        folded = data.lower()  # of ASCII only, and so each letter in its place
        found = self._beginnings.search(folded)
        return self._masked(data, folded, found.start(), self._beginnings) if found else text

    def _masked(self, data: bytes, folded: bytes, start: int, beginnings: re.Pattern[bytes]) -> str:
        shown, position = list[bytes](), 0
        while True:
            end = max((form.end(folded, start) for form in self._forms.get(folded[start], ())), default=0)
            if end > start:
                shown += data[position:start], MASKED.encode()
                position = end
            found = beginnings.search(folded, max(end, start + 1))
            if found is None:
                return b"".join([*shown, data[position:]]).decode("utf-8", "surrogatepass")
            start = found.start()

    def extended(self, values: Iterable[str]) -> Mask:
        """Return a mask that hides these values as well."""
        return Mask(self.values.union(values), shortest=self._shortest)

    def __repr__(self) -> str:
        return f"Mask({len(self.values)} values)"


def secret_mask(values: Iterable[str]) -> Mask:
    """Return a mask that hides secrets: these, and those that it is extended by."""
    return Mask(values, shortest=SHORTEST_SECRET)


def mask_json(value: JsonValue, mask: Mask) -> tuple[JsonValue, bool]:
    """Take secrets, and the values of credential headers, out of JSON; tell whether there were any.

    Raises ValueError if it holds text that UTF-8 cannot, or a number that JSON cannot. Nearly all values are clean and
    come back as they are.
    """
    text = to_json(value).decode()
    if "NaN" in text or "Infinity" in text:
        json.dumps(value, allow_nan=False)
    if mask(text) == text and not _CREDENTIAL_KEY.search(text):
        return value, False
    return _masked(value, mask), True


def _masked(value: JsonValue, mask: Mask) -> JsonValue:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {
            mask(name): MASKED if name.lower() in CREDENTIAL_HEADERS else _masked(item, mask)
            for name, item in value.items()
        }
    return [_masked(item, mask) for item in value] if isinstance(value, list) else value


class _Form:
    """One value, and how it may be written in UTF-8 whose ASCII letters are small."""

    __slots__ = ("_ambiguous", "_value", "_whole", "first")

    def __init__(self, value: str) -> None:
        self._value = value
        self._whole = _pattern([value]) if len(value) <= _LONGEST_PATTERN else None
        self._ambiguous = any(character in "\\%+" for character in value)  # as it is, it looks like an escape
        self.first = {one[0] for one in _cases(value[0])} | set(_ESCAPES)

    def end(self, text: bytes, start: int) -> int:
        """Tell where the value ends that begins at `start`, or the beginning of it that is there; 0 for none."""
        if self._whole is not None and (whole := self._whole.match(text, start)):
            return whole.end()
        agreed, end = self._agreement(_escaped, text, start)
        if agreed < len(self._value) and (self._ambiguous or text[end : end + 1] in _ESCAPES):
            agreed, end = max((agreed, end), self._agreement(_percent_encoded, text, start))
        if agreed == len(self._value):
            return end
        if agreed >= max(_LEAST_ANYWHERE, len(self._value) / 2) and not text[end : end + 1].isalnum():
            return end
        return end if agreed >= _LEAST and _CUT.match(text, end) else 0

    def _agreement(self, encode: Callable[[str], bytes], text: bytes, start: int) -> tuple[int, int]:
        """Tell how many characters of the value are there, and where they end."""
        position = start
        for agreed, character in enumerate(self._value):
            there = text[position : position + 1]
            if there.isascii() and there not in _ESCAPES:
                if there != character.lower().encode("utf-8", "surrogatepass"):
                    return agreed, position
                position += 1
            elif not character.isascii() and text.startswith(
                plain := character.encode("utf-8", "surrogatepass"), position
            ):
                position += len(plain)
            elif found := re.compile(encode(character)).match(text, position):
                position = found.end()
            else:
                return agreed, position
        return len(self._value), position


def _pattern(values: Sequence[str]) -> re.Pattern[bytes]:
    forms = dict.fromkeys(b"".join(map(encode, value)) for value in values for encode in _ENCODERS)
    return re.compile(_look_ahead(values) + b"(?:" + b"|".join(forms) + b")")


def _look_ahead(values: Sequence[str]) -> bytes:
    """Turn most places of a text down at once where the compiled pattern would not (it does for plain beginnings)."""
    if {value[0] for value in values} <= _NEVER_ENCODED:
        return b""
    first = {one[:1] for value in values for one in _cases(value[0])} | {b"%", b"+", b"\\"}
    return b"(?=[" + re.escape(b"".join(sorted(first))) + b"])"


def _cases(character: str) -> list[bytes]:
    """Return a letter in all its cases, of which ASCII has only the small one."""
    if character.isascii():
        return [character.lower().encode()]
    cases = dict.fromkeys(one for one in (character, character.lower(), character.upper()) if len(one) == 1)
    return [one.encode("utf-8", "surrogatepass") for one in cases]


def _percent_encoded(character: str) -> bytes:
    plain = [re.escape(one) for one in _cases(character)]
    if character in _NEVER_ENCODED:
        return plain[0]
    encoded = ["".join(f"%{byte:02x}" for byte in one).encode() for one in _cases(character)]
    return b"(?:" + b"|".join([*encoded, *([rb"\+"] if character == " " else []), *plain]) + b")"


def _escaped(character: str) -> bytes:
    plain = [re.escape(one) for one in _cases(character)]
    if character in _NEVER_ENCODED:
        return plain[0]
    choices = [choice for one in _cases(character) for choice in _escapes(one.decode("utf-8", "surrogatepass"))]
    if character != "\\":  # a bare one would begin an escape
        choices += plain
    if character in _SHORT_ESCAPES:
        choices.append(rb"\\" + _SHORT_ESCAPES[character].encode())
    elif character.isascii():
        choices += [rb"\\" + one for one in plain]
    return b"(?:" + b"|".join(choices) + b")"


def _escapes(character: str) -> Iterator[bytes]:
    """Name the ways to write a character by its number, in small letters."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    yield "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)).encode()
    if ord(character) <= _LAST_OF_LATIN_1:
        yield rf"\\x{ord(character):02x}".encode()
    if len(units) > len("ffff"):
        yield rf"\\u{ord(character):08x}".encode()


_ENCODERS: Final = (_escaped, _percent_encoded)
