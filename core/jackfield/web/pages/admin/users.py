"""The users, for operators; and one's own password, for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import InvalidUser, InvalidUserReason, Role, Users
from jackfield.journal.audit import AuditAction
from jackfield.web.auth.callers import Note, role_words
from jackfield.web.auth.device import Devices
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.auth.password_check import PasswordChecker, TooMany
from jackfield.web.auth.session import Session
from jackfield.web.render.rendering import page

_DONE = frozenset({"added", "role", "password", "removed"})


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/users", show_users, Role.OPERATOR),
        form_route("/users", add_user, action=AuditAction.USER_ADDED),
        form_route("/users/{name}/role", set_role, action=AuditAction.USER_ROLE),
        form_route("/users/{name}/password", set_password, action=AuditAction.USER_PASSWORD),
        form_route("/users/{name}/remove", remove_user, action=AuditAction.USER_REMOVED),
        page_route("/password", show_own_password),
        form_route("/password", set_own_password, Role.VIEWER, AuditAction.USER_PASSWORD),
    ]


async def show_users(request: Request) -> Response:
    """Show who may log in."""
    done = request.query_params.get("done", "")
    return _page(request, done=done if done in _DONE else "")


async def add_user(request: Request) -> Response:
    """Add a user."""
    form, users, door = request.state.form, _users(request), _door(request)
    name, password, role = str(form.get("name", "")).strip(), str(form.get("password", "")), _role(request)
    if role is None:
        return _page(request, 422, wrong="role", name=name)
    try:
        await door.hashing(lambda: users.add(name, password, role))
    except InvalidUser as error:
        return _page(request, 422, wrong=error.reason.name, name=name, role=role)
    request.state.note.target, request.state.note.detail = name, role_words(role)
    return _done("added")


async def set_role(request: Request) -> Response:
    """Make a user an operator or a viewer."""
    name, role = request.path_params["name"], _role(request)
    if role is None:
        return _page(request, 422, wrong="role", about=name)
    try:
        await run_in_threadpool(_users(request).set_role, name, role)
    except InvalidUser as error:
        return _page(request, _status(error), wrong=error.reason.name, about=name)
    request.state.note.detail = role_words(role)
    return _done("role")


async def set_password(request: Request) -> Response:
    """Give a user a new password; that ends their sessions, but for one's own in this browser."""
    name, password = request.path_params["name"], str(request.state.form.get("password", ""))
    try:
        user = await _door(request).hashing(lambda: _users(request).set_password(name, password))
    except InvalidUser as error:
        return _page(request, _status(error), wrong=error.reason.name, about=name)
    if name == request.state.visitor.name:
        request.state.session = Session(user=user)
    return _done("password")


async def remove_user(request: Request) -> Response:
    """Remove a user; that ends their sessions."""
    name = request.path_params["name"]
    try:
        await run_in_threadpool(_users(request).remove, name)
    except InvalidUser as error:
        return _page(request, _status(error), wrong=error.reason.name, about=name)
    return _done("removed")


async def show_own_password(request: Request) -> Response:
    """Ask for the password that one has and the one that one wants."""
    return page(request, "password.html", wrong="", wait=0, done="done" in request.query_params)


async def set_own_password(request: Request) -> Response:
    """Change one's own password. It ends one's sessions everywhere else."""
    form, name = request.state.form, request.state.visitor.name
    password = str(form.get("password", ""))
    if password != str(form.get("again", "")):
        return page(request, "password.html", 422, wrong="again", wait=0, done=False)
    devices: Devices = request.app.state.devices
    user = await _door(request).verified(request, name, str(form.get("old", "")), devices.of(request, name))
    if isinstance(user, TooMany):
        answer = page(request, "password.html", 429, wrong="wait", wait=user.seconds, done=False)
        answer.headers["retry-after"] = str(user.seconds)
        await _old_is_wrong(request, "too many tries; the old password was not looked at")
        return answer
    if user is None:
        await _old_is_wrong(request, "the old password was wrong")
        return page(request, "password.html", 403, wrong="old", wait=0, done=False)
    try:
        user = await _door(request).hashing(lambda: _users(request).set_password(name, password))
    except InvalidUser as error:
        return page(request, "password.html", 422, wrong=error.reason.name, wait=0, done=False)
    request.state.session = Session(user=user)
    request.state.note.target = name
    return RedirectResponse("/password?done", status_code=303)


async def _old_is_wrong(request: Request, detail: str) -> None:
    """Note it as a login that failed: whoever has found a browser that is logged in may be guessing."""
    note: Note = request.state.note
    name = request.state.visitor.name
    await replace(note, action=AuditAction.LOGIN_FAILED, target=name, detail=detail).write(request)


def _page(request: Request, status: int = 200, **said: Any) -> Response:
    """Show the users, and what is wrong with a form: the one that adds, or that of the user whom it is `about`."""
    context = {"wrong": "", "about": "", "name": "", "role": Role.VIEWER, "done": "", **said}
    return page(request, "users.html", status, users=_users(request).all(), **context)


def _users(request: Request) -> Users:
    users: Users = request.app.state.users
    return users


def _door(request: Request) -> PasswordChecker:
    door: PasswordChecker = request.app.state.door
    return door


def _role(request: Request) -> Role | None:
    given = str(request.state.form.get("role", ""))
    return Role(given) if given in set(Role) else None


def _status(error: InvalidUser) -> int:
    return {InvalidUserReason.UNKNOWN: 404, InvalidUserReason.LAST: 409}.get(error.reason, 422)


def _done(what: str) -> Response:
    return RedirectResponse(f"/users?done={what}", status_code=303)
