"""The destination: a process that answers at once and remembers every id that it got, and when.

`python -m bench.destination PORT`. A POST is a delivery; `GET /count` tells how many there were, `GET /deliveries` all
of them, as `[[id, nanoseconds], ...]` by the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

import uvloop
from pydantic_core import from_json, to_json

from bench.wire import Peer

_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_ANSWER: Final = _HEAD % 11 + b'{"ok":true}'


class _Connection(Peer):
    def __init__(self, deliveries: list[tuple[int, int]]) -> None:
        super().__init__()
        self._deliveries = deliveries

    def message(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST"):
            self._deliveries.append((int(from_json(body)["id"]), time.monotonic_ns()))
            self.transport.write(_ANSWER)
            return
        answer = to_json(self._deliveries if head.startswith(b"GET /deliveries") else len(self._deliveries))
        self.transport.write(_HEAD % len(answer) + answer)


async def _serve(port: int) -> None:
    deliveries: list[tuple[int, int]] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(deliveries), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
