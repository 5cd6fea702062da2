"""HTTP as uvicorn reads it, for addresses of any length that a body may have, and for no more than that."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jackfield.web.cork import Cork

LONGEST_ADDRESS: Final = 1_000_000
"""Bytes of path and query; a longer one is answered 400."""
LONGEST_HEAD: Final = LONGEST_ADDRESS + 500_000
"""Bytes before a body and after it, what has been read along with them included; the parser would gather any number."""


class LongAddresses(HttpToolsProtocol):
    """Keeps the query away from httptools' reader of addresses, which cannot count beyond 65,535 bytes.

    GetCourse puts everything into the address, whatever its method.
    """

    _gathered = 0
    """The bytes that have come since the parser last had something to say of them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over, with a cork on it."""
        super().connection_made(cast("asyncio.Transport", Cork(cast("asyncio.Transport", transport))))

    def data_received(self, data: bytes) -> None:
        """Read on; an endless head, or an endless trailer, is answered 400."""
        self._gathered += len(data)
        if self._gathered > LONGEST_HEAD:
            self.send_400_response("the head of the request is too long")
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to gather the head of a request."""
        self._gathered = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Gather the body, which whoever reads it limits."""
        self._gathered = 0
        super().on_body(body)

    def on_url(self, url: bytes) -> None:
        """Gather the address; an error in here is answered 400."""
        super().on_url(url)
        if len(self.url) > LONGEST_ADDRESS:
            raise ValueError(f"an address of more than {LONGEST_ADDRESS} bytes")

    def on_headers_complete(self) -> None:
        """Begin to answer; that is a task of its own, which starts when this has returned."""
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query.partition(b"#")[0]
