"""HTTP as uvicorn reads it, for addresses of any length that a body may have."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_ADDRESS: Final = 1_000_000
"""Bytes of path and query; a longer one is answered 400."""


class LongAddresses(HttpToolsProtocol):
    """Keeps the query away from httptools' reader of addresses, which cannot count beyond 65,535 bytes.

    GetCourse puts everything into the address, whatever its method.
    """

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
