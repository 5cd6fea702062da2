"""uvicorn's server, ending without delay: it looks for its end ten times a second, and every restart would wait."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn

_LAST_ANSWERS: Final = 5.0
"""Seconds that requests get which are being answered when the host is told to end; runs have their own grace."""
_LOOKS: Final = 0.01
_TICK: Final = 1.0


class Server(uvicorn.Server):
    """Serves until `end()` is called or the process gets SIGTERM or SIGINT. Made and used in a running event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: Final = asyncio.get_running_loop()
        self._told: Final = asyncio.Event()

    def end(self) -> None:
        """Take no more connections, answer what has come in, and end."""
        self.should_exit = True
        self._told.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Heed a signal; the second SIGINT waits for no answer."""
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Renew the date in the answers every second until the end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on who asks for nothing, and give the others a few seconds to be answered."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in [*self.server_state.connections]:
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS):
                while self._busy() and not self.force_exit:  # noqa: ASYNC110 - uvicorn has sets and no event
                    await asyncio.sleep(_LOOKS)
        for task in self.server_state.tasks:
            task.cancel()

    def _busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)
