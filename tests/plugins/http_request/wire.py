"""What tests of the wire share: a server that reads requests strictly and answers as it is told; ways to call it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog

from jackfield import ActionContext, JsonObject, Step
from jackfield.http.client import HttpPool
from jackfield_http_request.action import HttpRequest
from jackfield_http_request.options import HttpRequestOptions
from tests.servers import listening

Habit: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What the server does in place of answering."""


async def deaf(_: asyncio.StreamWriter) -> None:
    """Do not even read what comes in."""


@dataclass(frozen=True)
class Received:
    """A request as it came in, byte by byte."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value; there must not be two."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2
        return values[0] if values else None


class Server:
    """Gives its answers in turn, the last of them for ever."""

    def __init__(self, *answers: bytes | Habit) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Serve, and say at which address."""
        async with listening(self._converse, tls=tls) as port:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing() and self.answers[0] is not deaf:
            self.received.append(await read_request(reader))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(writer)
            await writer.drain()
        await writer.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request; one that is not to the letter fails the test."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "strict")
    start, *lines = head.split("\r\n")[:-2]
    method, target, version = start.split(" ")
    assert version == "HTTP/1.1"
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int({name.lower(): value for name, value in headers}.get("content-length", "0"))
    return Received(method, target, headers, await reader.readexactly(length))


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer."""
    length = [] if status in (204, 304) else [f"Content-Length: {len(body)}"]
    return "\r\n".join([f"HTTP/1.1 {status} X", *length, *headers, "", ""]).encode() + body


async def run(options: HttpRequestOptions, *, allow: str = "127.0.0.1") -> JsonObject:
    """Run the action once."""
    pool = HttpPool(allow=[allow])
    try:
        action = HttpRequest(ActionContext(http=pool.client, log=structlog.get_logger()))
        return await action.run(options, Step(run="r", pipeline="p", name="s", attempt=1, idempotency_key="key-1"))
    finally:
        await pool.close()


def received(**options: Any) -> Received:
    """Return what a server receives for these options."""

    async def main() -> Received:
        server = Server(answer(200))
        async with server.serving() as url:
            await run(HttpRequestOptions.model_validate({"url": url, **options}))
        [request] = server.received
        return request

    return asyncio.run(main())
