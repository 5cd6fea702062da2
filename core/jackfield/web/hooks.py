"""`/hooks/<pipeline>/<token>`: where senders call.

A plain ASGI application, for this is the hot path. An unknown pipeline and a wrong token get the same answer after the
same work.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from jackfield.addresses import HOOKS_PATH
from jackfield.errors import JournalError
from jackfield.host import Host, utc_now
from jackfield.models import WebhookReply, WebhookRequest
from jackfield.pipeline import Pipeline

_NOT_FOUND: Final = WebhookReply(404, b"not found\n")
_TOO_LARGE: Final = WebhookReply(413, b"the body is too large\n")
_UNAVAILABLE: Final = WebhookReply(503, b"not accepting requests now, try again\n")
_NO_EVENT: Final = WebhookReply(200, b"")
_RETRY_AFTER: Final = (b"retry-after", b"30")
_NO_TOKEN: Final = "0" * 32
_DRAINED: Final = 8
"""How many times the body limit is read and thrown away, so that a sender gets to read why it was refused."""


@dataclass(slots=True)
class Hooks:
    """Takes webhook calls over."""

    host: Host
    _strangers: _Throttle = field(default_factory=lambda: _Throttle(burst=60, per_second=1.0))
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reply = await self._reply(scope, receive)
        headers = [
            (b"content-type", reply.content_type.encode("latin-1")),
            (b"content-length", str(len(reply.body)).encode()),
        ]
        if reply.status == _UNAVAILABLE.status:
            headers.append(_RETRY_AFTER)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Scope, receive: Receive) -> WebhookReply:
        if not self.host.ready:
            return _UNAVAILABLE
        body, complete = await _read_body(receive, self.host.project.settings.server.body_limit)
        id, token = _address(scope)
        pipeline = self.host.pipelines.get(id)
        if not self._opens(id, token) or pipeline is None:
            if pipeline is not None and scope["method"] != "HEAD":
                self._note_stranger(pipeline, _request(scope, body))
            return _NOT_FOUND
        if scope["method"] == "HEAD":
            return _NO_EVENT
        return await self._take_over(pipeline, _request(scope, body), complete=complete)

    async def _take_over(self, pipeline: Pipeline, request: WebhookRequest, *, complete: bool) -> WebhookReply:
        intake = self.host.intake
        try:
            if not complete:
                limit = self.host.project.settings.server.body_limit
                reason = f"the body is longer than {limit} bytes ([server] body_limit); only its beginning was kept"
                await intake.refuse(pipeline, request, _TOO_LARGE.status, reason, cut=True)
                return _TOO_LARGE
            return await intake.receive(pipeline, self.host.modes.get(pipeline.id).mode, request)
        except JournalError as error:
            structlog.get_logger().error("answered 503", pipeline=pipeline.id, error=str(error))
            return _UNAVAILABLE

    def _opens(self, id: str, token: str) -> bool:
        expected = self.host.tokens.get(id)
        same = hmac.compare_digest((expected or _NO_TOKEN).encode(), token.encode("utf-8", "surrogatepass"))
        return same and expected is not None

    def _note_stranger(self, pipeline: Pipeline, request: WebhookRequest) -> None:
        """Journal a call with a wrong token beside the answer, so that it takes no longer; and not too many of them."""
        if not self._strangers.allows():
            return
        reason = "the token in the address is wrong; copy the address again"
        task = asyncio.create_task(_quietly(self.host.intake.refuse(pipeline, request, _NOT_FOUND.status, reason)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


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


async def _quietly(refusal: Awaitable[None]) -> None:
    try:
        await refusal
    except JournalError as error:
        structlog.get_logger().error("a refused request could not be journalled", error=str(error))


async def _read_body(receive: Receive, limit: int) -> tuple[bytes, bool]:
    """Read the body, no more than `limit` of it; tell whether that is all."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks, size = [body], len(body)
        while message.get("more_body", False) and size <= limit * _DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
        body = b"".join(chunks)
        return body[:limit], size <= limit
    return body[:limit], len(body) <= limit


def _address(scope: Scope) -> tuple[str, str]:
    id, _, token = scope["path"].removeprefix(HOOKS_PATH).strip("/").partition("/")
    return id, token


def _request(scope: Scope, body: bytes) -> WebhookRequest:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return WebhookRequest(scope["method"], scope["query_string"].decode("latin-1"), headers, body, utc_now())
