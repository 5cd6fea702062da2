"""Just enough HTTP/1.1 for a benchmark: messages with a Content-Length over a kept-alive connection."""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from typing import Final, cast

_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Peer(asyncio.Protocol):
    """One end of a connection. What arrives is cut into messages, each handed to `message()`."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand over every message that is complete."""
        data = self._buffer + data if self._buffer else data
        while (end := data.find(_END)) >= 0:
            head = data[:end]
            length = _LENGTH.search(head)
            begin = end + len(_END)
            stop = begin + (int(length[1]) if length else 0)
            if len(data) < stop:
                break
            body, data = data[begin:stop], data[stop:]
            self.message(head, body)
        self._buffer = data

    @abstractmethod
    def message(self, head: bytes, body: bytes) -> None:
        """Take one message: its first line and headers, and its body."""
