"""The load generator: kept-alive connections, each of which sends its next request when it has an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bench.wire import Peer

Times: TypeAlias = dict[int, int]
"""Nanoseconds of the clock that all processes of a machine share, by the id of the event."""

_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class Load:
    """Requests that are sent by `senders` connections: as fast as answers come, or at a `rate` per second.

    With a rate, a request that is due while all connections wait for answers counts from the moment when it was due,
    so that a server that stalls does not hide how many it has kept waiting.
    """

    requests: Iterator[tuple[int, bytes]]
    rate: float | None = None
    sent: Times = field(default_factory=dict)
    answered: Times = field(default_factory=dict)
    refused: int = 0

    async def send(self, port: int, senders: int) -> None:
        """Send everything; return when all is answered."""
        schedule = self._schedule()
        await asyncio.gather(*(self._sender(port, schedule) for _ in range(senders)))

    def _schedule(self) -> Iterator[tuple[int, int, bytes]]:
        interval = _SECOND / self.rate if self.rate else 0
        start = time.monotonic_ns()
        for number, (id, request) in enumerate(self.requests):
            yield (start + int(number * interval) if interval else time.monotonic_ns()), id, request

    async def _sender(self, port: int, schedule: Iterator[tuple[int, int, bytes]]) -> None:
        transport, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
        for due, id, request in schedule:
            begun = await _waited_until(due)
            if await connection.exchange(request) == b"200":
                self.sent[id] = begun
                self.answered[id] = time.monotonic_ns()
            else:
                self.refused += 1
        transport.close()


async def _waited_until(due: int) -> int:
    """Return when a request's time began to run: when it was due, or later if only the timer was late."""
    early = due - time.monotonic_ns()
    if early <= 0:
        return due
    await asyncio.sleep(early / _SECOND)
    return time.monotonic_ns()


class _Connection(Peer):
    """A connection with one request under way."""

    def exchange(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future is the status of the answer."""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def message(self, head: bytes, _body: bytes) -> None:
        """Take the answer."""
        self._answer.set_result(head[9:12])

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that is under way."""
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))
