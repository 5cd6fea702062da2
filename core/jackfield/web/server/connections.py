"""Keeps those out who take up connections and do nothing with them: too many at a time, and those that stall."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Collection, Iterable
from typing import Final, Protocol

import structlog

PATIENCE: Final = 30.0
"""Seconds that a client may take for the head of a request, and for each further piece of what it sends or is sent."""
_MOST: Final = 2_000
_LOOKS: Final = 6
"""How many times within its patience the host looks at every connection."""
_LOG_EVERY: Final = 60.0


class Client(Protocol):
    """A connection, as far as it matters whether it stalls."""

    def awaited(self) -> object | None:
        """Say what the client has to do next, in a value that is another one once it has; None if it is our turn."""

    def give_up(self) -> None:
        """Close the connection, whatever is still to be sent."""


def most_connections() -> int:
    """Say how many connections may be open: half of the files that this process may open are left for the host."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if limit == resource.RLIM_INFINITY else min(_MOST, limit // 2)


class ConnectionLimiter:
    """Counts who comes in, and looks now and then whether they go on. It costs a request that arrives whole nothing."""

    def __init__(self, most: int, patience: float = PATIENCE) -> None:
        self.most: Final = most
        self._patience = patience
        self._refused = 0
        self._logged = float("-inf")
        self._waiting: dict[Client, tuple[object, float]] = {}

    def refuse(self) -> None:
        """Note that a connection was turned away, for there are too many."""
        self._refused += 1

    async def watch(self, clients: Collection[Client]) -> None:
        """Close the connections that stall, until this is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience / _LOOKS)
            self.look([*clients], loop.time())
            self._log(loop.time())

    def look(self, clients: Iterable[Client], now: float) -> None:
        """Close the connections that have stalled for longer than the host is patient; `now` is in seconds."""
        before, self._waiting = self._waiting, {}
        for client in clients:
            awaited = client.awaited()
            seen, since = before.get(client, (None, now))
            if awaited is None:
                continue
            if awaited != seen:
                self._waiting[client] = (awaited, now)
            elif now - since < self._patience:
                self._waiting[client] = (awaited, since)
            else:
                client.give_up()

    def _log(self, now: float) -> None:
        if self._refused and now - self._logged >= _LOG_EVERY:
            structlog.get_logger().warning("connections turned away: too many are open", turned_away=self._refused)
            self._refused, self._logged = 0, now
