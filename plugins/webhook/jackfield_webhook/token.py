"""Tokens: what a sender shows with every request, if it shows anything."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from jackfield import Unauthorized, WebhookRequest
from jackfield_webhook.content import find_value, octets


class Anyone:
    """Lets everybody in: the address is the only secret."""

    def verify(self, request: WebhookRequest) -> None:
        """Check nothing."""

    def signed(self, request: WebhookRequest) -> WebhookRequest:
        """Add nothing."""
        return request


class Token:
    """Compares a token."""

    def __init__(self, tokens: tuple[str, ...], *, header: str = "", query: str = "", user: str = "") -> None:
        self._header = "authorization" if user else header.lower()
        self._query = query
        self._shown = [_basic(user, token) if user else token for token in tokens]

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` if none of the tokens is there."""
        place = f"parameter {self._query}" if self._query else f"header {self._header}"
        found = list(self._found(request))
        if not found:
            raise Unauthorized(f"The call has no token: there is no {place}.")
        if not any(hmac.compare_digest(one, token.encode()) for one in found for token in self._shown):
            raise Unauthorized(f"The token in the {place} is wrong; give the sender the pipeline's current one.")

    def signed(self, request: WebhookRequest) -> WebhookRequest:
        """Add the token."""
        if not self._query:
            return replace(request, headers=(*request.headers, (self._header, self._shown[0])))
        pair = f"{quote(self._query)}={quote(self._shown[0], safe='')}"
        return replace(request, query=f"{request.query}&{pair}" if request.query else pair)

    def _found(self, request: WebhookRequest) -> Iterator[bytes]:
        if self._query:
            yield from find_value(request, self._query)
            return
        header = request.header(self._header)
        if header is not None:
            value = octets(header)
            yield value
            if value[:7].lower() == b"bearer ":
                yield value[7:].strip()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
