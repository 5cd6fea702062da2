"""HTTP as uvicorn reads it, for addresses of any length that a body may have, and for no more than that."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from jackfield.web.server.connections import ConnectionLimiter

LONGEST_ADDRESS: Final = 1_000_000
"""Bytes of path and query; a longer one is answered 400."""
LONGEST_HEAD: Final = LONGEST_ADDRESS + 500_000
"""Bytes before a body and after it, what has been read along with them included; the parser would gather any number."""
_PIECE: Final = 1_000
"""Bytes of a body that have to come while the host is patient: one that comes drop by drop stalls as well."""
_ASKED_WITHIN: Final = 1.0
"""Seconds that a client who has just connected gets for its first request when the host is told to end."""
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""RFC 9110, section 7.2, and RFC 3986, section 3.2.2."""
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 26\r\n\r\ntoo many connections here\n"
)


class HttpProtocol(HttpToolsProtocol):
    """Takes long addresses, and no endless heads, and tells the turnstile what each client has to do next.

    GetCourse puts everything into the address, whatever its method; httptools' reader of addresses counts to 65,535
    bytes, so the query is kept away from it.
    """

    _received = 0
    """How many bytes have come."""
    _understood = 0
    """How many of them had come when the parser last had something to say of them."""
    _connected_at = 0.0
    _ending = False

    def __init__(self, *args: Any, turnstile: ConnectionLimiter, **named: Any) -> None:
        super().__init__(*args, **named)
        self._turnstile = turnstile

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or turn the client away if there are too many."""
        super().connection_made(transport)
        self._connected_at = self.loop.time()
        if len(self.connections) > self._turnstile.most:
            self._turnstile.refuse()
            transport.write(_FULL)
            transport.close()

    def awaited(self) -> object | None:
        """See `Client`. What comes after an answer is a head, whether or not it is the rest of a body that is late."""
        cycle: RequestResponseCycle | None = self.cycle  # there is none before the first head
        if self.flow.write_paused:
            return "reading", self.transport.get_write_buffer_size()
        if cycle is None or cycle.response_complete:
            return ("head", cycle) if self.timeout_keep_alive_task is None else None
        if cycle.more_body and not self.flow.read_paused:
            return "body", cycle, self._received // _PIECE
        return None

    def give_up(self) -> None:
        """See `Client`."""
        self.transport.abort()

    def shutdown(self) -> None:
        """End when the answer is out. Who has just connected may ask: a request that is on its way is not lost."""
        left = self._connected_at + _ASKED_WITHIN - self.loop.time()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None and left > 0 and not self._ending:
            self._ending = True
            self.loop.call_later(left, self.shutdown)
        elif not self.transport.is_closing():
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Read on; an endless head, or an endless trailer, is answered 400."""
        self._received += len(data)
        if self._received - self._understood > LONGEST_HEAD:
            self.send_400_response("the head of the request is too long")
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to gather the head of a request."""
        self._understood = self._received
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Gather the body, which whoever reads it limits."""
        self._understood = self._received
        super().on_body(body)

    def on_url(self, url: bytes) -> None:
        """Gather the address; an error in here is answered 400."""
        super().on_url(url)
        if len(self.url) > LONGEST_ADDRESS:
            raise ValueError(f"an address of more than {LONGEST_ADDRESS} bytes")

    def on_headers_complete(self) -> None:
        """Begin to answer; that is a task of its own, which starts when this has returned.

        An error in here is answered 400, as a request that does not name one host has to be (RFC 9112, section 3.2).
        """
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError(f"{len(hosts)} Host headers")
        if hosts and not _HOST.fullmatch(hosts[0].strip()):
            raise ValueError("a Host header that names no host")
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query.partition(b"#")[0]
        if self._ending:
            self.cycle.keep_alive = False
