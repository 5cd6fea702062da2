"""The first start: whoever has the link that the host prints makes the first operator."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import InvalidUser, Role, Users
from jackfield.journal.audit import AuditAction
from jackfield.web.auth.callers import caller_of, role_words
from jackfield.web.auth.device import Devices
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.auth.password_check import PasswordChecker
from jackfield.web.auth.session import Session
from jackfield.web.render.rendering import page

FIRST_PATH: Final = "/first"


@dataclass(slots=True)
class FirstLink:
    """The link of this process; worth nothing as soon as there has been a user."""

    users: Users
    _token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def path(self) -> str | None:
        """Its path; None if there is a user, or was one since the host was started."""
        if self._token is not None and self.users.all():
            self._token = None
        return self._token and f"{FIRST_PATH}/{self._token}"

    def opens(self, token: str) -> bool:
        """Tell whether this is the token of the link, and still worth something."""
        return self.path is not None and hmac.compare_digest(token.encode(), (self._token or "").encode())


def routes() -> list[Route]:
    """Return the routes of this module."""
    path = FIRST_PATH + "/{token}"
    return [page_route(path, show_first, None), form_route(path, make_first, None, AuditAction.USER_ADDED)]


async def show_first(request: Request) -> Response:
    """Ask for the operator's name and password."""
    _check(request)
    return page(request, "first.html", wrong="", name="")


async def make_first(request: Request) -> Response:
    """Make the first operator, who is then logged in."""
    _check(request)
    form, users = request.state.form, request.app.state.users
    door: PasswordChecker = request.app.state.door
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    if password != str(form.get("again", "")):
        return page(request, "first.html", 422, wrong="again", name=name)
    try:
        user = await door.hashing(lambda: users.add(name, password, Role.OPERATOR, first=True))
    except InvalidUser as error:
        return page(request, "first.html", 422, wrong=error.reason.name, name=name)
    request.state.note.caller = caller_of(request, user.name)
    request.state.note.target, request.state.note.detail = user.name, f"{role_words(user.role)}; this is the first user"
    request.state.session = Session(user=user)
    response = RedirectResponse("/", status_code=303)
    devices: Devices = request.app.state.devices
    devices.remember(request, response, user.name)
    return response


def _check(request: Request) -> None:
    """Answer a wrong token as any path that does not exist."""
    link: FirstLink = request.app.state.first
    if not link.opens(request.path_params["token"]):
        raise HTTPException(404)
