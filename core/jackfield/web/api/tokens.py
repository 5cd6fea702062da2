"""The tokens of this API."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from jackfield.components import OptionsModel
from jackfield.errors import UnknownRun
from jackfield.tokens import Tokens
from jackfield.users import Role
from jackfield.web.api.operation import Operation


class TokenBody(OptionsModel):
    """A new token: what it is called, and what it lets a program do."""

    name: str
    role: Role


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


@dataclass(frozen=True, slots=True)
class TokenMade:
    """The token: no other answer will have it."""

    token: str


def operations() -> list[Operation]:
    """Return the operations of this module."""
    return [
        Operation("GET", "/tokens", list_tokens, secret=True),
        Operation("POST", "/tokens", make_token, 201),
        Operation("DELETE", "/tokens", revoke_token, 204),
    ]


async def list_tokens(tokens: Tokens) -> list[TokenReport]:
    """List the tokens that were made, without what they are."""
    return [TokenReport(one.name, one.role, one.created, one.last_used) for one in tokens.all()]


async def make_token(tokens: Tokens, body: TokenBody) -> TokenMade:
    """Make a token and show it, this once."""
    return TokenMade(await run_in_threadpool(tokens.make, body.name, body.role))


async def revoke_token(tokens: Tokens, query: TokenQuery) -> None:
    """Make a token worthless at once."""
    if not await run_in_threadpool(tokens.revoke, query.name):
        raise UnknownRun(f"there is no token {query.name}")
