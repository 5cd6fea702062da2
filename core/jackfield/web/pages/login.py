"""Logging in and out, and choosing the language."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.users import Users
from jackfield.web.pages.access import deed, local_path, view
from jackfield.web.pages.rendering import page
from jackfield.web.pages.session import Session
from jackfield.web.pages.words import LANGUAGE_COOKIE, LANGUAGES

_A_YEAR: Final = 365 * 24 * 3600


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        view("/login", show_login, None),
        deed("/login", log_in, None),
        deed("/logout", log_out, None),
        deed("/language", choose_language, None),
    ]


async def show_login(request: Request) -> Response:
    """Ask who it is."""
    return page(request, "login.html", next=local_path(request.query_params.get("next", "/")), wrong=False, name="")


async def log_in(request: Request) -> Response:
    """Begin a session of the user, or ask again."""
    users: Users = request.app.state.users
    form = request.state.form
    name, following = str(form.get("name", "")), local_path(str(form.get("next", "/")))
    user = await run_in_threadpool(users.verified, name, str(form.get("password", "")))
    if user is None:
        return page(request, "login.html", 403, next=following, wrong=True, name=name)
    request.state.session = Session(user=user)
    return RedirectResponse(following, status_code=303)


async def log_out(request: Request) -> Response:
    """End the session."""
    request.state.session = Session()
    return RedirectResponse("/login", status_code=303)


async def choose_language(request: Request) -> Response:
    """Remember the language, and show the page again."""
    form = request.state.form
    response = RedirectResponse(local_path(str(form.get("next", "/"))), status_code=303)
    if (language := str(form.get("language"))) in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, samesite="lax")
    return response
