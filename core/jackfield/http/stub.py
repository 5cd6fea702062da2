"""An HTTP client that sends nothing: it writes requests down, and answers them with what it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from jackfield.components.values import Exchange
from jackfield.http.recording import ExchangeRecorder, Masking

_BODY_CAP: Final = 64_000
_HOP: Final = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
_TOKEN: Final = b'{"access_token":"stand-in","token_type":"Bearer","expires_in":3600}'
"""What stands in for the answer to a request whose answer is not shown: those are requests for a token."""


@dataclass(frozen=True, slots=True)
class StubResponse:
    """What a request is answered in a rehearsal; with an `error`, there is no answer but this failure."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    body: str = "{}"
    error: str | None = None


class _Caught(BaseException):
    """Ends an action that has asked for its request to be sent. No `Exception`, so that the action lets it through."""


class StubTransport(httpx.AsyncBaseTransport):
    """The transport of such a client. Without `answers` the first request ends the action, and `caught` is true."""

    def __init__(self, answers: Sequence[StubResponse] | None) -> None:
        self._answers = None if answers is None else deque(answers)
        self._drafts: list[ExchangeRecorder] = []
        self.caught = False

    def client(self, headers: httpx.Headers) -> httpx.AsyncClient:
        """Make the client, with the headers that the real one sends by itself; it keeps no cookies either."""
        cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        return httpx.AsyncClient(transport=self, headers=headers, cookies=cookies, trust_env=False)

    def exchanges(self, mask: Masking) -> Iterator[Exchange]:
        """Write down what was exchanged, as the journal would show it."""
        return (draft.exchange(mask) for draft in self._drafts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Write a request down and answer it."""
        url = request.url
        draft = ExchangeRecorder(request, f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}", _BODY_CAP)
        self._drafts.append(draft)
        answer = self._next(confidential=bool(request.extensions.get("confidential")))
        if answer.error is not None:
            draft.end(error=answer.error)
            raise httpx.ConnectError(answer.error, request=request)
        body = answer.body.encode()
        headers = [(name.encode(), value.encode()) for name, value in answer.headers if name.lower() not in _HOP]
        draft.status, draft.headers = answer.status, headers
        draft.add(body)
        draft.end(complete=True)
        return httpx.Response(answer.status, headers=headers, stream=httpx.ByteStream(body))

    def _next(self, *, confidential: bool) -> StubResponse:
        if confidential:
            return StubResponse(body=_TOKEN.decode())
        if self._answers is None:
            self.caught = True
            raise _Caught
        return self._answers.popleft() if self._answers else StubResponse()
