"""`/hooks/<pipeline>/<token>`: where senders call.

A plain ASGI application, for this is the hot path. An unknown pipeline and a wrong token get the same answer, and all
that differs between them is done after it.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from jackfield.clock import utc_now
from jackfield.components.values import WebhookReply, WebhookRequest
from jackfield.errors import JournalError
from jackfield.host.host import Host
from jackfield.pipelines.definition import Pipeline
from jackfield.project.server_keys import HOOKS_PATH
from jackfield.runs.reply import reply_headers

_NOT_FOUND: Final = WebhookReply(404, b"not found\n")
_TOO_LARGE: Final = WebhookReply(413, b"the body is too large\n")
_UNAVAILABLE: Final = WebhookReply(503, b"not accepting requests now, try again\n")
_NO_EVENT: Final = WebhookReply(200, b"")
_PREFLIGHT: Final = WebhookReply(204)
_RETRY_AFTER: Final = (b"retry-after", b"30")
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
"""A reply may repeat what was sent, and the pages are at the same origin: text stays text."""
_BODILESS: Final = frozenset({204, 304})
_NO_TOKEN: Final = "0" * 32
_KEPT: Final = 4
"""How many times the body limit is kept of a body that is too large, so that it can be accepted later."""
_DRAINED: Final = 8
"""How many times the body limit is read, so that a sender gets to read why it was refused."""


@dataclass(slots=True)
class Hooks:
    """Takes webhook calls over."""

    host: Host
    _strangers: _Throttle = field(default_factory=lambda: _Throttle(burst=60, per_second=1.0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; one that breaks off before its end is none, and is not answered."""
        if not self.host.ready:
            await _send(send, _UNAVAILABLE)
            return
        id, token = _address(scope)
        known = self._opens(id, token)
        limit = self.host.project.settings.server.body_limit
        try:
            body, complete = await _read_body(receive, limit * _KEPT if known else limit, limit * _DRAINED)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # the host ends, and the rest of the body has not come
            await _send(send, _UNAVAILABLE)
            return
        request, pipeline = _request(scope, body), self.host.pipelines.get(id)
        if not known or pipeline is None:
            await _send(send, _NOT_FOUND)
            await self._note_stranger(pipeline, request)
        else:
            more = reply_headers(pipeline, request)
            await _send(send, await self._answer(pipeline, request, more, complete=complete), more)

    async def _answer(
        self, pipeline: Pipeline, request: WebhookRequest, more: Sequence[tuple[str, str]], *, complete: bool
    ) -> WebhookReply:
        if request.method == "HEAD":
            return _NO_EVENT
        if request.method == "OPTIONS" and more and _asks_first(pipeline):
            return _PREFLIGHT
        return await self._take_over(pipeline, request, complete=complete)

    async def _take_over(self, pipeline: Pipeline, request: WebhookRequest, *, complete: bool) -> WebhookReply:
        intake = self.host.intake
        try:
            limit = self.host.project.settings.server.body_limit
            if len(request.body) > limit:
                reason = f"the body is longer than {limit} bytes ([server] body_limit)"
                await intake.refuse_too_large(pipeline, request, _TOO_LARGE.status, reason, complete=complete)
                return _TOO_LARGE
            return (await intake.receive(pipeline, self.host.modes.get(pipeline.id).mode, request)).reply
        except JournalError as error:
            structlog.get_logger().error("answered 503", pipeline=pipeline.id, error=str(error))
            return _UNAVAILABLE

    def _opens(self, id: str, token: str) -> bool:
        expected = self.host.tokens.get(id)
        same = hmac.compare_digest((expected or _NO_TOKEN).encode(), token.encode("utf-8", "surrogatepass"))
        return same and expected is not None

    async def _note_stranger(self, pipeline: Pipeline | None, request: WebhookRequest) -> None:
        """Journal a call with a wrong token, once it is answered so that it takes no longer, and not too many."""
        if pipeline is None or request.method == "HEAD" or not self._strangers.allows():
            return
        try:
            await self.host.intake.refuse_stranger(pipeline, request)
        except JournalError as error:
            structlog.get_logger().error("a refused request could not be journalled", error=str(error))


@dataclass(slots=True)
class _Throttle:
    """Lets `burst` through at once and `per_second` in the long run."""

    burst: float
    per_second: float
    _left: float = field(init=False)
    _seen: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._left = self.burst

    def allows(self) -> bool:
        now = time.monotonic()
        self._left = min(self.burst, self._left + (now - self._seen) * self.per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _asks_first(pipeline: Pipeline) -> bool:
    """Tell whether OPTIONS is a browser's question before the request, and no request that the source takes."""
    return pipeline.source is not None and "OPTIONS" not in pipeline.source.source.methods


async def _send(send: Send, reply: WebhookReply, more: Sequence[tuple[str, str]] = ()) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in (*reply.headers, *more)]
    body = b"" if reply.status in _BODILESS else reply.body
    headers.append(_NO_SNIFFING)
    if reply.status not in _BODILESS:
        headers.append((b"content-type", reply.content_type.encode("latin-1")))
        headers.append((b"content-length", str(len(body)).encode()))
    if reply.status == _UNAVAILABLE.status:
        headers.append(_RETRY_AFTER)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_body(receive: Receive, kept: int, read: int) -> tuple[bytes, bool]:
    """Read the body, `read` bytes of it or a little more; return as many as `kept`, and whether that is all of it.

    Raises `ClientDisconnect`.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= read:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size - len(chunk) < kept:
            chunks.append(chunk)
    return b"".join(chunks)[:kept], size <= kept


def _address(scope: Scope) -> tuple[str, str]:
    id, _, token = scope["path"].removeprefix(HOOKS_PATH).strip("/").partition("/")
    return id, token


def _request(scope: Scope, body: bytes) -> WebhookRequest:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return WebhookRequest(scope["method"], scope["query_string"].decode("latin-1"), headers, body, utc_now())
