"""Who may use the API: whoever has a token."""

from __future__ import annotations

import hmac

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jackfield.users import Role


class TokenRequired:
    """Lets through what carries the host's token in `var/api.token`: `Authorization: Bearer <token>`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on with the `role` of who calls."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        if hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer":
            await self._app({**scope, "role": Role.OPERATOR}, receive, send)
        else:
            error = to_json({"error": "send the token in var/api.token as `Authorization: Bearer ...`"})
            headers = {"www-authenticate": "Bearer"}
            response = Response(error, status_code=401, headers=headers, media_type="application/json")
            await response(scope, receive, send)
