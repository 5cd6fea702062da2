"""Keeps secrets out of whatever is written or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

MASKED: Final = "***"
CREDENTIAL_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Headers whose values are masked whatever they are; names in lower case."""

SHORTEST_SECRET: Final = 6
"""A secret of so many characters is masked. A shorter one would hide our own words, and could be guessed by that."""

_NEVER_ENCODED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_SHORT_ESCAPES: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_LAST_OF_LATIN_1: Final = 0xFF

_CREDENTIAL_KEY: Final = re.compile('"(?:' + "|".join(sorted(CREDENTIAL_HEADERS)) + ')"', re.IGNORECASE)


class Mask:
    """Replaces secret values in text by `***`.

    A value is found as it is, percent-encoded (whichever characters the encoder left alone, `+` for a space, both
    cases of the hex digits), and escaped as JSON or Python's `repr()` do it; where values overlap, the longest goes
    first. Other encodings (base64, a hash) are not found. `values` are those that are hidden: none that is empty, or
    has fewer characters than `shortest`.
    """

    __slots__ = ("_pattern", "_shortest", "values")

    def __init__(self, values: Iterable[str] = (), *, shortest: int = 1) -> None:
        self.values: Final = frozenset(value for value in values if len(value) >= max(shortest, 1))
        self._shortest = shortest
        longest_first = sorted(self.values, key=lambda value: (-len(value), value))
        self._pattern = _pattern(longest_first) if longest_first else None

    def __call__(self, text: str) -> str:
        """Return the text with `***` in place of every secret value."""
        return self._pattern.sub(MASKED, text) if self._pattern else text

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


def _pattern(values: Sequence[str]) -> re.Pattern[str]:
    encoders = (_escaped, _percent_encoded)
    forms = dict.fromkeys("".join(map(encode, value)) for value in values for encode in encoders)
    return re.compile(_look_ahead(values) + f"(?:{'|'.join(forms)})")


def _look_ahead(values: Sequence[str]) -> str:
    """Turn most places of a text down at once where the compiled pattern would not (it does for plain beginnings)."""
    beginnings = {value[0] for value in values}
    if beginnings <= _NEVER_ENCODED:
        return ""
    encoded = {"%", "+", "\\"}
    return f"(?=[{re.escape(''.join(sorted(beginnings | encoded)))}])"


def _percent_encoded(character: str) -> str:
    if character in _NEVER_ENCODED:
        return re.escape(character)
    encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    plus = r"\+|" if character == " " else ""
    return f"(?:(?i:{encoded})|{plus}{re.escape(character)})"


def _escaped(character: str) -> str:
    if character in _NEVER_ENCODED:
        return re.escape(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    choices = ["(?i:" + "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + ")"]
    if character != "\\":  # a bare one would begin an escape
        choices.append(re.escape(character))
    if character in _SHORT_ESCAPES:
        choices.append(r"\\" + _SHORT_ESCAPES[character])
    elif character.isascii():
        choices.append(r"\\" + re.escape(character))
    if ord(character) <= _LAST_OF_LATIN_1:
        choices.append(rf"(?i:\\x{ord(character):02x})")
    if len(units) > len("ffff"):
        choices.append(rf"(?i:\\U{ord(character):08x})")
    return f"(?:{'|'.join(choices)})"
