"""A recorded request as a curl command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jackfield.masking import MASKED
from jackfield.models import Exchange

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MADE_BY_CURL: Final = frozenset({"content-length", "transfer-encoding", "connection", "host"})
_ADDED_BY_CURL: Final = ("accept", "user-agent", "content-type")
_NOT_KEPT: Final = re.compile(r"\[(?:a stream|confidential|\d+ bytes, .*)\]|.* … \[cut at \d+ bytes\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """The command for a POSIX shell. `masked`: stars stand for secrets in it; `incomplete`: the body was not kept."""

    text: str
    masked: bool
    incomplete: bool


def curl_command(exchange: Exchange) -> CurlCommand:
    """Write down the command that sends the same request."""
    words = [*_words(exchange)]
    text = " ".join(map(shlex.quote, words))
    return CurlCommand(text, any(MASKED in word for word in words), not _sendable(exchange.request_body))


def _words(exchange: Exchange) -> Iterator[str]:
    yield from ("curl", "--globoff", "--request", exchange.method)
    names = set()
    for name, value in exchange.request_headers:
        if _TOKEN.fullmatch(name) and name.lower() not in _MADE_BY_CURL:
            names.add(name.lower())
            yield from ("--header", f"{name}: {value}" if value else f"{name};")
    for name in _ADDED_BY_CURL:
        if name not in names and (name != "content-type" or exchange.request_body):
            yield from ("--header", f"{name}:")
    if exchange.request_body and _sendable(exchange.request_body):
        yield from ("--data-raw", exchange.request_body)
    yield from ("--url", exchange.url)


def _sendable(body: str) -> bool:
    return "\0" not in body and not _NOT_KEPT.fullmatch(body)
