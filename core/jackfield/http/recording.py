"""What one HTTP request and its answer were, collected while they happen and masked when they are over."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeAlias

import httpx

from jackfield.components.values import Exchange
from jackfield.masking import CREDENTIAL_HEADERS, MASKED

Masking: TypeAlias = Callable[[str], str]
"""Takes the secrets out of a text."""
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]

_CONFIDENTIAL: Final = "confidential"
"""The extension that marks a request whose body is not shown, and neither is that of its answer."""

LONGEST_SECRET: Final = 16_000
"""A secret of up to so many bytes never shows in part where a body is cut."""

_NOT_SHOWN: Final = "[confidential]"
_CREDENTIALS: Final = frozenset(name.encode() for name in CREDENTIAL_HEADERS)


@dataclass(slots=True)
class ExchangeRecorder:
    """An exchange while it is going on; of each body it shows the first `cap` bytes.

    `url` is what is sent: without a fragment, a user or a password. A `note` is about an answer that is usable.
    """

    request: httpx.Request
    url: str
    cap: int
    started: float = field(default_factory=perf_counter)
    elapsed: float | None = None
    complete: bool = False
    status: int | None = None
    headers: RawHeaders = ()
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    error: str | None = None
    note: str | None = None

    def add(self, chunk: bytes) -> None:
        """Take a piece of the answer's body; what is far beyond the cap is only counted."""
        if self.size < self.cap + LONGEST_SECRET:
            self.chunks.append(chunk)
        self.size += len(chunk)

    def end(self, *, complete: bool = False, error: str | None = None) -> None:
        """Stop the clock, with the body `complete` or broken off by an `error`. Only the first call counts."""
        if self.elapsed is None:
            self.elapsed = perf_counter() - self.started
            self.complete = complete
            self.error = error

    def exchange(self, mask: Masking) -> Exchange:
        """Write the exchange down as it stands now, ended or not."""
        self.end(error=None if self.status else "the attempt ended before there was an answer")
        request, error = self.request, self.error or self.note
        return Exchange(
            method=request.method,
            url=mask(self.url),
            request_headers=_headers(request.headers.raw, mask),
            request_body=self._request_body(mask),
            status=self.status,
            response_headers=_headers(self.headers, mask),
            response_body=self._response_body(mask),
            elapsed_ms=(self.elapsed or 0.0) * 1000,
            error=None if error is None else mask(error),
        )

    def _request_body(self, mask: Masking) -> str:
        if self._confidential:
            return _NOT_SHOWN
        try:
            content = self.request.content
        except httpx.RequestNotRead:
            return "[a stream]"
        return _body(content, len(content), self.request.headers.raw, mask, self.cap)

    def _response_body(self, mask: Masking) -> str:
        if self._confidential:
            return _NOT_SHOWN if self.size else ""
        text = _body(b"".join(self.chunks), self.size, self.headers, mask, self.cap)
        return text if self.complete or self.error or not self.size else f"{text} … [the rest was not read]"

    @property
    def _confidential(self) -> bool:
        return bool(self.request.extensions.get(_CONFIDENTIAL))


def _headers(headers: RawHeaders, mask: Masking) -> tuple[tuple[str, str], ...]:
    pairs = [
        (name.decode("latin-1"), MASKED if name.lower() in _CREDENTIALS else mask(value.decode("utf-8", "replace")))
        for name, value in headers
    ]
    return tuple(pairs)


def _body(data: bytes, size: int, headers: RawHeaders, mask: Masking, cap: int) -> str:
    """Show the first `cap` bytes of a body of `size` bytes, of which `data` are known."""
    data = data[: cap + LONGEST_SECRET]
    whole = len(data) == size
    try:
        text = mask(data.decode() if whole else codecs.getincrementaldecoder("utf-8")().decode(data))
    except UnicodeDecodeError:
        kind = next((value for name, value in headers if name.lower() == b"content-type"), b"of no stated type")
        return mask(f"[{size} bytes, {kind.decode('latin-1')}]")
    if whole and size <= cap:
        return text
    shown = text.encode()
    # Half a secret at the end of `data` cannot have been masked, so whatever may be one goes.
    end = cap if whole else max(0, min(cap, len(shown) - LONGEST_SECRET))
    return f"{shown[:end].decode('utf-8', 'ignore')} … [cut at {cap} bytes]"
