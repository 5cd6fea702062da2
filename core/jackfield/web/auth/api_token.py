"""Who may use the API: whoever has a token."""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Final

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jackfield.access.audit_log import AuditLog, Caller
from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.errors import ConfigurationError
from jackfield.journal.audit import AuditAction, Via
from jackfield.web.auth.password_check import client_address

_LOOKING: Final = frozenset({"GET", "HEAD"})
_NO_TOKEN: Final = "send an API token, or that in var/api.token, as `Authorization: Bearer ...`"  # noqa: S105
_EXPIRED: Final = "this token expired at {day}; an operator can make a new one on the page API tokens"
_OWN: Final = "var/api.token"
_ONLY_LOOKING: Final = "this is a viewer's token, which can only look; use an operator's"


class TokenRequired:
    """Lets through what carries the host's own token or one that an operator made: `Authorization: Bearer <token>`.

    A viewer's only lets through what changes nothing.
    """

    def __init__(self, app: ASGIApp, own: str, tokens: Tokens, audit: AuditLog) -> None:
        self._app = app
        self._own = own.encode()
        self._tokens = tokens
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 503, or pass the request on with the `caller` and their `role`."""
        try:
            known = await self._known(scope)
        except ConfigurationError as error:
            await _error(503, str(error))(scope, receive, send)
            return
        if isinstance(known, str):
            await _error(401, known, {"www-authenticate": "Bearer"})(scope, receive, send)
            return
        caller, role = known
        if role is Role.OPERATOR or scope["method"] in _LOOKING:
            await self._app({**scope, "caller": caller, "role": role}, receive, send)
        else:
            await self._refused(scope, caller, AuditAction.ROLE_REFUSED)
            await _error(403, _ONLY_LOOKING)(scope, receive, send)

    async def _refused(self, scope: Scope, actor: str, action: AuditAction, detail: str = "") -> None:
        caller = Caller(actor, Via.API, client_address(Request(scope)))
        await self._audit.note(caller, action, scope["path"], detail)

    async def _known(self, scope: Scope) -> tuple[str, Role] | str:
        """Find out whose token a request carries, and what it lets them do; else say why it is not let in."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, text = given.partition(b" ")
        if scheme.lower() != b"bearer":
            return _NO_TOKEN
        if hmac.compare_digest(text.strip(), self._own):
            return _OWN, Role.OPERATOR
        token = self._tokens.find(text.strip())
        if token is None:
            await self._refused(scope, "", AuditAction.TOKEN_REFUSED, "there is no such token")
            return _NO_TOKEN
        if self._tokens.expired(token):
            await self._refused(scope, f"token {token.name}", AuditAction.TOKEN_REFUSED, "the token has expired")
            return _EXPIRED.format(day=f"{token.expires:%Y-%m-%d %H:%M} UTC")
        if self._tokens.to_be_noted(token):
            with suppress(OSError):  # a full disk keeps nobody from looking what is wrong
                await run_in_threadpool(self._tokens.note_used, token)
        return f"token {token.name}", token.role


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json({"error": message}), status_code=status, headers=headers, media_type="application/json")
