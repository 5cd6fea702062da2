"""A connection to a destination that bounds what comes beside an answer: interim answers, and bytes behind it.

aiohttp reads as many interim answers (1xx) as there are, without a pause, and makes an error of a whole answer if a
stray byte arrives together with it. So the head of an answer is given to it by itself, and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader

MOST_INTERIM: Final = 20
"""How many interim answers (1xx) may come before the answer."""
MOST_HEAD: Final = 512_000
"""How many bytes they and the answer's own head may have together."""

_SEAM: Final = 3
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")
_INTERIM: Final = range(100, 200)
_SWITCHING: Final = 101
_NO_CONTENT: Final = 204


@dataclass(slots=True)
class Stray:
    """Whether a destination has sent more than its answer."""

    seen: bool = False


class Connection(ResponseHandler):
    """What reads the answers that come over one connection."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.stray = Stray()
        self._in_head = False
        self._interim = 0
        self._head = 0
        self._seam = b""
        self._body: StreamReader | None = None

    def set_response_params(self, **more: Any) -> None:
        """Get ready for the answer to a request; called by aiohttp for each."""
        self.stray = Stray()
        self._in_head = True
        self._interim = self._head = 0
        self._seam = b""
        self._body = None
        super().set_response_params(**more)

    def data_received(self, data: bytes) -> None:
        """Read what has come in. Called by the event loop."""
        while data and self._in_head and self.exception() is None:
            end = head_end(self._seam, data) or len(data)
            self._read_head(data[:end])
            data = data[end:]
        if data and self.exception() is None:
            super().data_received(data)
        if self._body is not None and self.exception() is not None:
            self._fail_behind_the_head(self._body)

    def _read_head(self, head: bytes) -> None:
        self._head += len(head)
        self._seam = head[-_SEAM:]
        super().data_received(head)
        if self._in_head and (self._head > MOST_HEAD or self._interim > MOST_INTERIM):
            self._break_off()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take an answer; called by aiohttp for each head that it has read."""
        message, payload = data
        if not self._in_head:  # the answer to a request that nobody has sent
            self._left_out()
        elif message.code in _INTERIM and message.code != _SWITCHING:
            self._interim += 1
            self._seam = b""
            super().feed_data(data, size)
        else:
            self._in_head = False
            self._body = payload
            super().feed_data(data, size)
            if message.code == _NO_CONTENT and _announces_a_body(message):
                self._left_out()

    def _fail_behind_the_head(self, body: StreamReader) -> None:
        """Tell bytes behind a whole answer from a broken answer, of which aiohttp would not tell the reader."""
        if body.is_eof():
            self.stray.seen = True
        elif body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError("the answer's body is not what its head announces"))

    def _left_out(self) -> None:
        self.stray.seen = True
        self.force_close()

    def _break_off(self) -> None:
        self._in_head = False
        self.set_exception(HttpProcessingError(code=0, message="it sends interim answers (1xx) or headers without end"))
        if self.transport is not None:
            self.transport.abort()


class Answer(aiohttp.ClientResponse):
    """An answer that remembers what came behind it; `stray` may be seen until the next request of the connection."""

    stray: Stray

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Read the head; called by aiohttp."""
        self.stray = connection.protocol.stray
        return await super().start(connection)


class Connector(aiohttp.TCPConnector):
    """Makes connections of this module's kind."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._factory = partial(Connection, loop=self._loop)  # type: ignore[assignment]  # a subclass


def head_end(seam: bytes, data: bytes) -> int | None:
    """Tell where in `data` a head ends of which `seam` are the bytes before; None if it does not."""
    found = _END_OF_HEAD.search(seam + data)
    return found.end() - len(seam) if found and found.end() > len(seam) else None


def _announces_a_body(message: RawResponseMessage) -> bool:
    return message.chunked or message.headers.get("Content-Length", "0") != "0"
