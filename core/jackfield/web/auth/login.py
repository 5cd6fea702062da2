"""Logging in and out."""

from __future__ import annotations

from dataclasses import replace

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import InvalidUser, Users
from jackfield.journal.audit import AuditAction
from jackfield.web.auth.callers import Note, caller_of
from jackfield.web.auth.device import Devices
from jackfield.web.auth.page_access import form_route, local_path, page_route
from jackfield.web.auth.password_check import PasswordChecker, TooMany
from jackfield.web.auth.session import Session
from jackfield.web.render.rendering import page


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/login", show_login, None),
        form_route("/login", log_in, None, AuditAction.LOGIN),
        form_route("/logout", log_out, None, AuditAction.LOGOUT),
    ]


async def show_login(request: Request) -> Response:
    """Ask who it is; say how the first user is made where there is none."""
    users: Users = request.app.state.users
    if not users.all():
        return page(request, "nobody.html")
    following = local_path(request.query_params.get("next", "/"))
    return page(request, "login.html", next=following, wrong=False, wait=0, name="")


async def log_in(request: Request) -> Response:
    """Begin a session of the user, or ask again."""
    door: PasswordChecker = request.app.state.door
    form = request.state.form
    name, following = str(form.get("name", "")), local_path(str(form.get("next", "/")))
    devices: Devices = request.app.state.devices
    user = await door.verified(request, name, str(form.get("password", "")), devices.of(request, name))
    if isinstance(user, TooMany):
        answer = page(request, "login.html", 429, next=following, wrong=False, wait=user.seconds, name=name)
        answer.headers["retry-after"] = str(user.seconds)
        await _failed(request, name, "too many tries; the password was not looked at")
        return answer
    if user is None:
        await _failed(request, name)
        return page(request, "login.html", 403, next=following, wrong=True, wait=0, name=name)
    request.state.session, request.state.note.caller = Session(user=user), caller_of(request, user.name)
    response = RedirectResponse(following, status_code=303)
    devices.remember(request, response, user.name)
    return response


async def _failed(request: Request, name: str, detail: str = "") -> None:
    note: Note = request.state.note
    door: PasswordChecker = request.app.state.door
    known = door.users.get(name) is not None  # anything else may be a password in the wrong field
    target = name if known else ""
    await replace(note, action=AuditAction.LOGIN_FAILED, target=target, detail=detail).write(request)


async def log_out(request: Request) -> Response:
    """End the session, and all others of this user: a copy of the cookie must not live on."""
    users: Users = request.app.state.users
    if request.state.visitor is not None:
        name = request.state.visitor.name
        try:
            await run_in_threadpool(users.end_sessions, name)
        except (OSError, InvalidUser) as error:  # the disk is full, or the user was removed meanwhile
            structlog.get_logger().warning("logged out in one browser only", user=name, error=str(error))
    request.state.session = Session()
    return RedirectResponse("/login", status_code=303)
