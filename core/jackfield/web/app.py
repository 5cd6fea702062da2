"""Puts the web application together: webhooks, API, pages and probes."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Route, request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from jackfield.access.tokens import Tokens
from jackfield.host.host import Host
from jackfield.project.server_keys import HOOKS_PATH, read_or_make_secret
from jackfield.web.api.application import API_PATH, api_application
from jackfield.web.auth.api_token import TokenRequired
from jackfield.web.auth.first_user import FirstLink
from jackfield.web.auth.password_check import PasswordChecker
from jackfield.web.auth.security_headers import SecurityHeaders
from jackfield.web.pages.site import page_routes, prepare
from jackfield.web.probes import healthz, metrics, readyz
from jackfield.web.request_target import is_unclear
from jackfield.web.webhooks import Hooks

TOKEN_FILE: Final = "api.token"  # noqa: S105 - a file's name
_UNCLEAR: Final = PlainTextResponse("the path has . or .. in it, or an encoded slash\n", status_code=400)


def application(host: Host, first: FirstLink) -> ASGIApp:
    """Make the application of a running host: webhook calls have a way of their own, past routing and middleware."""
    token, tokens = read_or_make_secret(host.project.var / TOKEN_FILE), Tokens(host.project.var)
    tls = host.project.settings.public_url.startswith("https://")
    door = PasswordChecker(first.users)  # one, so that no more passwords are hashed at a time than it lets
    api = SecurityHeaders(TokenRequired(api_application(host, door), token, tokens, host.audit), tls=tls)
    measured = TokenRequired(request_response(metrics), token, tokens, host.audit)
    hooks, pages = Hooks(host), SecurityHeaders(_pages(host, measured, tokens, first, door), tls=tls)
    unclear = SecurityHeaders(_UNCLEAR, tls=tls)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if is_unclear(scope):
            if not scope["path"].startswith(f"{API_PATH}/"):
                await unclear(scope, receive, send)
                return
            scope = {**scope, "path": f"{API_PATH}/", "raw_path": f"{API_PATH}/".encode()}  # it answers that in its way
        if scope["path"].startswith(f"{HOOKS_PATH}/"):
            await hooks(scope, receive, send)
            return
        with suppress(ClientDisconnect):  # a form that breaks off is no fault
            if scope["path"].startswith(f"{API_PATH}/"):
                await api({**scope, "root_path": API_PATH}, receive, send)
            else:
                await pages(scope, receive, send)

    return dispatch


def _pages(host: Host, measured: ASGIApp, tokens: Tokens, first: FirstLink, door: PasswordChecker) -> ASGIApp:
    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", measured)]
    app = Starlette(routes=[*routes, *page_routes()])
    app.router.redirect_slashes = False  # it would lead to whatever the request says that the host is called
    app.state.host, app.state.tokens, app.state.first = host, tokens, first
    prepare(app, host, door)
    return app
