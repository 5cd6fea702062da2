"""A server of streams for tests, which ends on every version of Python."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

Converse: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What the server does with one connection. A caller who hangs up ends it; that is no failure."""


@asynccontextmanager
async def listening(
    converse: Converse, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve, and give the port. In the end hang up on every caller, and raise what went wrong in a conversation.

    Since Python 3.12 `asyncio.Server.wait_closed()` waits until every connection is closed: a server whose callers
    are still there, or that does not answer on purpose, would wait for ever.
    """
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[asyncio.create_task(_talk(converse, reader, writer))] = writer

    server = await asyncio.start_server(meet, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in talks.values():
            writer.transport.abort()
        async with asyncio.timeout(10):
            await asyncio.gather(*talks)
            await server.wait_closed()


async def _talk(converse: Converse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        try:
            await converse(reader, writer)
        finally:
            writer.close()
