"""The tokens of this API."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.components.options import OptionsModel
from jackfield.errors import NotFound
from jackfield.journal.audit import AuditAction
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note, token_words


class TokenBody(OptionsModel):
    """A new token: what it is called, what it lets a program do, and when it is worth nothing any more; null: never."""

    name: str
    role: Role
    expires: AwareDatetime | None = None


class TokenQuery(OptionsModel):
    """Which token."""

    name: str


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What is known of a token. `last_used` may be an hour behind."""

    name: str
    role: Role
    created: AwareDatetime
    last_used: AwareDatetime | None
    expires: AwareDatetime | None


@dataclass(frozen=True, slots=True)
class TokenMade:
    """The token: no other answer will have it."""

    token: str


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/tokens", list_tokens, secret=True),
        Endpoint("POST", "/tokens", make_token, 201, action=AuditAction.TOKEN_MADE),
        Endpoint("DELETE", "/tokens", revoke_token, 204, action=AuditAction.TOKEN_REVOKED),
    ]


async def list_tokens(tokens: Tokens) -> list[TokenReport]:
    """List the tokens that were made, without what they are."""
    return [TokenReport(one.name, one.role, one.created, one.last_used, one.expires) for one in tokens.all()]


async def make_token(tokens: Tokens, note: Note, body: TokenBody) -> TokenMade:
    """Make a token and show it, this once."""
    note.target, note.detail = body.name, token_words(body.role, body.expires)
    return TokenMade(await run_in_threadpool(tokens.make, body.name, body.role, body.expires))


async def revoke_token(tokens: Tokens, note: Note, query: TokenQuery) -> None:
    """Make a token worthless at once."""
    note.target = query.name
    if not await run_in_threadpool(tokens.revoke, query.name):
        raise NotFound(f"there is no token {query.name}")
