"""Options that hold a URL: how an options model declares one, and what every URL has to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias
from urllib.parse import unquote

from pydantic import AfterValidator

_URL: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@\\\[\]:]+)(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)
_WITH_USER: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*@", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/?#]*)?([^?#]*)", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[/\\]")
_AFTER_NAME: Final = re.compile(r"[;?#].*", re.DOTALL)
_MOST_DECODINGS: Final = 5


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """Marks an option as a URL: `Annotated[str, UrlTemplate()]`.

    The host encodes what templates put into such an option by where it stands: in the path, the query or the fragment.
    Scheme, user, host and port come from the event, or from the result of an earlier step, only if the step says
    `url_from_event = true`. The option itself stays a `str`. `Url` is such an option with the usual checks.
    """


def web_address(text: str) -> str:
    """Return a URL without the blanks around it. Raises ValueError unless it is http or https, with a host."""
    url = text.strip()
    if _WITH_USER.match(url):
        raise ValueError("must not contain a user and a password")
    if not _URL.fullmatch(url):
        raise ValueError("is not an address: it must begin with http:// or https:// and a host, and be one line")
    if segment := dot_segment(url):
        raise ValueError(f'has "{segment}" as a part of its path; write the path that it leads to')
    return url


Url: TypeAlias = Annotated[str, UrlTemplate(), AfterValidator(web_address)]
"""A type for options: a URL of http or https, without user and password, and without `.` and `..` in its path."""


def dot_segment(url: str) -> str | None:
    """Return the part of a URL's path that leads elsewhere, `.` or `..`, None if there is none.

    The path is read as the most generous server reads it: percent-decoded, more than once if need be, with a backslash
    for a slash, and without parameters after a semicolon.
    """
    path = _PATH.match(url)[1]  # type: ignore[index]  # it matches any text
    if "." not in path and "%" not in path:
        return None
    for _ in range(_MOST_DECODINGS):
        for segment in _SEPARATOR.split(path):
            name = _AFTER_NAME.sub("", segment).strip()
            if name in {".", ".."}:
                return name
        if "%" not in path or (decoded := unquote(path)) == path:
            return None
        path = decoded
    return None
