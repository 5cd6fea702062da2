"""The tokens with which programs use the API: made, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.tokens import InvalidToken, Tokens
from jackfield.access.users import Role
from jackfield.journal.audit import AuditAction
from jackfield.web.auth.callers import token_words
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_DAYS: Final = ("7", "30", "90", "365")
"""After how many days a token may be let expire."""


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/tokens", show_tokens, Role.OPERATOR),
        form_route("/tokens", make_token, action=AuditAction.TOKEN_MADE),
        form_route("/tokens/revoke", revoke_token, action=AuditAction.TOKEN_REVOKED),
    ]


async def show_tokens(request: Request) -> Response:
    """Show what is known of the tokens."""
    return _page(request, done="revoked" in request.query_params)


async def make_token(request: Request) -> Response:
    """Make a token and show it: this answer is the only one that has it, so there is no redirect to another."""
    form = request.state.form
    name, role = str(form.get("name", "")).strip(), str(form.get("role", ""))
    if role not in set(Role):
        return _page(request, 422, wrong="role", name=name)
    days = str(form.get("days", ""))
    expires = host_of(request).intake.now() + timedelta(days=int(days)) if days in _DAYS else None
    try:
        made = await run_in_threadpool(_tokens(request).make, name, Role(role), expires)
    except InvalidToken as error:
        return _page(request, 422, wrong=error.reason.name, name=name, role=role)
    request.state.note.target, request.state.note.detail = name, token_words(Role(role), expires)
    return _page(request, 201, made=made, made_name=name)


async def revoke_token(request: Request) -> Response:
    """Make a token worthless at once."""
    name = str(request.state.form.get("name", ""))
    if not await run_in_threadpool(_tokens(request).revoke, name):
        return _page(request, 404, wrong="unknown", name="")
    request.state.note.target = name
    return RedirectResponse("/tokens?revoked", status_code=303)


def _page(request: Request, status: int = 200, **said: Any) -> Response:
    context = {
        "now": host_of(request).intake.now(),
        "days": _DAYS,
        "wrong": "",
        "name": "",
        "role": Role.VIEWER,
        "made": "",
        "made_name": "",
        "done": False,
        **said,
    }
    return page(request, "tokens.html", status, tokens=_tokens(request).all(), **context)


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens
