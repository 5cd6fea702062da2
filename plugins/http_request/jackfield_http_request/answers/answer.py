"""The answer of a destination, and what can be read out of it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from pydantic_core import from_json

from jackfield import JsonObject, JsonValue, declared_charset, is_json_type

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_HUGE_NUMBER: Final = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{300}")
_LONGEST_LINE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, its body decompressed; `cut` if there is more of it than was read."""

    status: int
    headers: httpx.Headers
    content: bytes
    cut: bool = False

    def result(self) -> JsonObject:
        """Return what later steps see of the answer."""
        headers: JsonObject = dict(self.headers.items())  # lower-case names, repeats joined by a comma
        result: JsonObject = {"status": self.status, "headers": headers, "body": self.body()}
        return result | {"cut": True} if self.cut else result

    def body(self) -> JsonValue:
        """Return the body as JSON if that is what it is, as text if not, None if there is none.

        It is JSON if the Content-Type says so, or if it reads as a JSON object or array, with a byte order mark or
        without. Text is read in the charset that it is said to have, else as UTF-8; what does not fit becomes U+FFFD.
        """
        text = self._text()
        if not text:
            return None
        if not self.cut and (text.lstrip()[:1] in ("{", "[") or is_json_type(self._content_type)):
            with suppress(ValueError):
                return _json(text)
        return text

    def line(self) -> str:
        """Return the body as one line for a message; of a longer one, only how long it is.

        The host takes secrets out of a message as they are or as Python escapes them. So nothing is cut here, for half
        a secret would stay, and control characters are escaped.
        """
        if self.cut or len(self.content) > 4 * _LONGEST_LINE:
            return self._length()
        text = _CONTROL.sub(lambda match: repr(match[0])[1:-1], self._text().strip())
        return text if len(text) <= _LONGEST_LINE else self._length()

    def retry_after(self, now: datetime) -> timedelta | None:
        """Return how long the destination asks to wait: `Retry-After`, in seconds or as an HTTP date."""
        text = self.headers.get("retry-after", "").strip()
        if _SECONDS.fullmatch(text):
            return timedelta(seconds=int(text))
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        return max(timedelta(0), (when if when.tzinfo else when.replace(tzinfo=UTC)) - now)

    def _length(self) -> str:
        length = len(self.content)
        if self.cut:
            return f"a body of more than {length} bytes, see the attempt"
        return f"a body of {length} bytes, see the attempt"

    @property
    def _content_type(self) -> str | None:
        value: str | None = self.headers.get("content-type")
        return value

    def _text(self) -> str:
        """Decode the body, without a byte order mark, and without a character that is cut in two."""
        text = self.content.decode(declared_charset(self._content_type), "replace").removeprefix("\ufeff")
        return text.rstrip("\ufffd") if self.cut else text


def _json(text: str) -> JsonValue:
    value: JsonValue = from_json(text, allow_inf_nan=False)
    if _HUGE_NUMBER.search(text):
        json.dumps(value, allow_nan=False)  # raises if the number has become infinity
    return value
