"""Digest authentication (RFC 7616): the request is sent once more, with an answer to the destination's challenge."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Final

import httpx

from jackfield import PermanentFailure
from jackfield_http_request.auth.credentials import Digest
from jackfield_http_request.requests.request import authorized

_WHAT_HTTPX_RAISES: Final = (LookupError, ValueError, NotImplementedError, httpx.ProtocolError)
"""By a challenge that it cannot read, or whose algorithm or kind it does not know."""


class DigestFlow(httpx.Auth):
    """Answers the first challenge that can be answered, once; any other answer than 401 is the end.

    Raises `PermanentFailure` if there are challenges and none of them can be answered.
    """

    def __init__(self, credentials: Digest) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request without a credential, then with it."""
        response = yield request
        challenges = _challenges(response)
        if challenges:
            yield authorized(request, self._first_reply(request, challenges))

    def _first_reply(self, request: httpx.Request, challenges: list[str]) -> bytes:
        for challenge in challenges:
            with suppress(*_WHAT_HTTPX_RAISES):
                return self._reply(request, challenge)
        raise PermanentFailure(
            f"{request.url.host} asks for a digest that cannot be made; MD5, SHA-256 and SHA-512 can, with qop=auth"
        )

    def _reply(self, request: httpx.Request, challenge: str) -> bytes:
        password = self._credentials.password.get_secret_value()
        scratch = httpx.Request(request.method, request.url)
        flow = httpx.DigestAuth(self._credentials.username, password).auth_flow(scratch)
        next(flow)
        headers = {"WWW-Authenticate": challenge}
        flow.send(httpx.Response(httpx.codes.UNAUTHORIZED, headers=headers, request=scratch))
        return next(value for name, value in scratch.headers.raw if name == b"Authorization")


def _challenges(response: httpx.Response) -> list[str]:
    if response.status_code != httpx.codes.UNAUTHORIZED:
        return []
    return [text for text in response.headers.get_list("www-authenticate") if text.lower().startswith("digest ")]
