"""Puts the pages together."""

from __future__ import annotations

from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.staticfiles import StaticFiles

from jackfield.checks.health_texts import HealthIssue
from jackfield.errors import JournalUnavailable
from jackfield.host.host import Host
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.auth import first_user, language, login
from jackfield.web.auth.device import Devices
from jackfield.web.auth.page_access import guarded
from jackfield.web.auth.password_check import PasswordChecker
from jackfield.web.auth.session import SESSION_KEY_FILE, Session, Sessions
from jackfield.web.pages import live
from jackfield.web.pages.admin import audit, health, plugins, secrets, tokens, users
from jackfield.web.pages.editor import editor, moving, new_pipeline
from jackfield.web.pages.pipelines import pipeline, pipelines, versions
from jackfield.web.pages.runs import bulk, journal, refused, replay, run, save_as_test
from jackfield.web.render.rendering import Renderer, page


def page_routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [
        Mount("/static", StaticFiles(packages=[("jackfield.web", "static")])),
        *login.routes(),
        *language.routes(),
        *first_user.routes(),
        *users.routes(),
        *tokens.routes(),
        *audit.routes(),
        *live.routes(),
        *pipelines.routes(),
        *journal.routes(),
        *bulk.routes(),
        *replay.routes(),
        *run.routes(),
        *refused.routes(),
        *new_pipeline.routes(),
        *editor.routes(),
        *moving.routes(),
        *pipeline.routes(),
        *versions.routes(),
        *save_as_test.routes(),
        *secrets.routes(),
        *plugins.routes(),
        *health.routes(),
    ]


def prepare(app: Starlette, host: Host, door: PasswordChecker) -> None:
    """Give the application what the pages share."""
    app.state.users, app.state.door = door.users, door
    key = read_or_make_secret(host.project.var / SESSION_KEY_FILE)
    app.state.session_key = key
    app.state.sessions = Sessions(key, door.users, host.project.settings.public_url)
    app.state.devices = Devices(key, app.state.sessions)
    app.state.renderer = Renderer(host.phrasebooks)
    app.exception_handlers[HTTPException] = _no_such_page
    app.exception_handlers[JournalUnavailable] = _no_journal
    app.exception_handlers[Exception] = _fault


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405 and request.method == "GET":  # noqa: PLR2004
        return RedirectResponse(_page_above(request), status_code=303)

    async def refused(request: Request) -> Response:
        return page(request, "refused.html", status, reason="missing" if status == 404 else "method")  # noqa: PLR2004

    response = await guarded(refused, None)(request)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _page_above(request: Request) -> str:
    """Find the page that a form is on: somebody loads its address, in another language or after logging in again."""
    path = request.scope["path"]
    while path := path.rpartition("/")[0]:
        if any(route.matches({**request.scope, "path": path})[0] is Match.FULL for route in request.app.routes):
            return quote(path)
    return "/"


async def _no_journal(request: Request, error: Exception) -> Response:
    """Say what is wrong with the journal and what to do: a page that needs it cannot be made."""
    trouble = HealthIssue.of_journal(error)

    async def unavailable(request: Request) -> Response:
        return page(request, "no_journal.html", 503, trouble=trouble)

    return await guarded(unavailable, None)(request)


async def _fault(request: Request, _error: Exception) -> Response:
    """Say that something is wrong, but not what: that is in the log. It needs neither session nor users."""
    request.state.session, request.state.visitor = Session(), None
    return page(request, "fault.html", 500)
