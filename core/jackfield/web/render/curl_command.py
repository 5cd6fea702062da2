"""A recorded request as a curl command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jackfield.components.values import Exchange
from jackfield.masking import MASKED

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MADE_BY_CURL: Final = frozenset({"content-length", "transfer-encoding", "connection", "host"})
_ADDED_BY_CURL: Final = ("accept", "user-agent", "content-type")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What a terminal takes for a key or for the end of a paste: a shell could run the rest before anybody has read it."""
_ESCAPED: Final = re.compile(rf"{_CONTROL.pattern}|[!'\\]")
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
_NOT_SAYABLE: Final = re.compile(r"[\0\ud800-\udfff]")
_NOT_KEPT: Final = re.compile(r"\[(?:a stream|confidential|\d+ bytes, .*)\]|.* … \[cut at \d+ bytes\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """The command for bash, zsh and the like, free of control characters, so that pasting it runs nothing by itself.

    `masked`: stars stand for secrets in it; `incomplete`: the body was not kept, cannot be an argument, or was left
    out.
    """

    text: str
    masked: bool
    incomplete: bool


def curl_command(exchange: Exchange, *, with_body: bool = True) -> CurlCommand:
    """Write down the command that sends the same request, with its body if it has one and it was kept."""
    body = exchange.request_body if with_body and _sendable(exchange.request_body) else ""
    words = [*_words(exchange, body)]
    text = " ".join(map(_quoted, words))
    return CurlCommand(text, any(MASKED in word for word in words), body != exchange.request_body)


def _words(exchange: Exchange, body: str) -> Iterator[str]:
    yield from ("curl", "--globoff", "--request", exchange.method)
    names = set()
    for name, value in exchange.request_headers:
        if _TOKEN.fullmatch(name) and name.lower() not in _MADE_BY_CURL and not _NOT_SAYABLE.search(value):
            names.add(name.lower())
            yield from ("--header", f"{name}: {value}" if value else f"{name};")
    for name in _ADDED_BY_CURL:
        if name not in names and (name != "content-type" or exchange.request_body):
            yield from ("--header", f"{name}:")
    if body:
        yield from ("--data-raw", body)
    yield from ("--url", exchange.url)


def _sendable(body: str) -> bool:
    return not _NOT_SAYABLE.search(body) and not _NOT_KEPT.fullmatch(body)


def _quoted(word: str) -> str:
    """Quote a word; one with control characters as `$'...'`, with escapes in their place."""
    return f"$'{_ESCAPED.sub(_escape, word)}'" if _CONTROL.search(word) else shlex.quote(word)


def _escape(match: re.Match[str]) -> str:
    """Write `'` and `!` as numbers, too: not every shell sees that they are within quotes."""
    return _NAMED.get(match[0]) or "".join(f"\\x{byte:02x}" for byte in match[0].encode())
