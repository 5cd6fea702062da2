"""Puts the pages together."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from jackfield.addresses import read_or_make_secret
from jackfield.host import Host
from jackfield.users import Users
from jackfield.web.pages import live, login, pipelines
from jackfield.web.pages.rendering import Renderer, page
from jackfield.web.pages.session import Session, Sessions

SESSION_KEY_FILE: Final = "session.key"


def page_routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [
        Mount("/static", StaticFiles(packages=[("jackfield.web", "static")])),
        *login.routes(),
        *live.routes(),
        *pipelines.routes(),
    ]


def prepare(app: Starlette, host: Host) -> None:
    """Give the application what the pages share."""
    app.state.users = Users(host.project.var)
    key = read_or_make_secret(host.project.var / SESSION_KEY_FILE)
    app.state.sessions = Sessions(key, app.state.users, host.project.settings.public_url)
    app.state.renderer = Renderer()
    app.exception_handlers[HTTPException] = _no_such_page


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    request.state.session = Session()
    request.state.visitor = request.app.state.sessions.read(request).user
    return page(request, "refused.html", status, reason="missing" if status == 404 else "method")  # noqa: PLR2004
