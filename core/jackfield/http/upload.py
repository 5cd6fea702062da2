"""The body of a request on its way out, with a limit to how long each piece of it may wait to be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

PIECE: Final = 2**16
"""How much a connection takes without telling whether the other side does."""

_T = TypeVar("_T")


class NotTakenError(TimeoutError):
    """The destination has stopped reading the body."""


class Upload(aiohttp.Payload):
    """A body that is written piece by piece; `limit` is how many seconds one may take, None for any number."""

    _value: bytes

    def __init__(self, body: bytes, limit: float | None) -> None:
        super().__init__(body)
        self._size = len(body)
        self._limit = limit
        self._clock: asyncio.Timeout | None = None

    async def within(self, sending: Awaitable[_T]) -> _T:
        """Wait for what sends this body. Raises `NotTakenError`, beside what that raises."""
        clock = asyncio.timeout(None)
        try:
            async with clock:
                self._clock = clock
                return await sending
        except TimeoutError as error:
            if clock.expired():
                raise NotTakenError from error
            raise
        finally:
            self._clock = None  # an answer may come before the body is written

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it; called by aiohttp, once more if the request is sent once more."""
        body = memoryview(self._value)
        transport = writer.transport if isinstance(writer, StreamWriter) else None
        try:
            for start in range(0, len(body), PIECE):
                self._wait(self._limit)
                await writer.write(body[start : start + PIECE])
        except asyncio.CancelledError:
            if transport:
                transport.abort()  # a transport that is only closed waits for the other side to take the rest
            raise
        self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        if self._clock is not None and not self._clock.expired():
            now = asyncio.get_running_loop().time()
            self._clock.reschedule(None if seconds is None else now + seconds)
