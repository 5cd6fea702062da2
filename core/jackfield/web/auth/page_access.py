"""Who may open which page. Each route says so; what does not say is not reached by anybody."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.journal.audit import AuditAction
from jackfield.web.auth.callers import page_note
from jackfield.web.auth.session import Session, Sessions
from jackfield.web.render.rendering import page

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

LARGEST_FORM: Final = 2_000_000
LARGEST_FORM_OF_STRANGERS: Final = 20_000
_MOST_FIELDS: Final = 5_000
_FIRST_ERROR: Final = 400
_LOCAL_PATH: Final = re.compile(r"/(?![/\\])[^\\]*")


class DeedRoute(Route):
    """The route of a form that changes something."""

    action: AuditAction | None = None
    """What the audit log calls it; None: it is noted otherwise, or not at all."""


def page_route(path: str, endpoint: Endpoint, role: Role | None = Role.VIEWER) -> Route:
    """Make the route of a page that is looked at, by whoever has this role; None: by everybody."""
    return Route(path, guarded(endpoint, role), methods=["GET"])


def form_route(
    path: str, endpoint: Endpoint, role: Role | None = Role.OPERATOR, action: AuditAction | None = None
) -> Route:
    """Make the route of a form that changes something. The endpoint finds what was filled in in `request.state.form`.

    It is not called if the form does not carry this browser's token, or comes from another site's page. When it has
    succeeded, the `action` is in the audit log; the endpoint may say more in `request.state.note`.
    """
    largest = LARGEST_FORM_OF_STRANGERS if role is None else LARGEST_FORM
    route = DeedRoute(path, guarded(_from_our_form(_noted(endpoint, action), largest), role), methods=["POST"])
    route.action = action
    return route


def local_path(text: str) -> str:
    """Return where to go next if it is a path of ours, else the start: a link must not lead anywhere else."""
    return text if text.isprintable() and _LOCAL_PATH.fullmatch(text) else "/"


def guarded(endpoint: Endpoint, role: Role | None) -> Endpoint:
    """Find out who asks, call the endpoint if they have this role, and see to their session's cookie."""

    async def admitting(request: Request) -> Response:
        sessions: Sessions = request.app.state.sessions
        session = sessions.read(request)
        request.state.session, request.state.visitor = session, session.user
        response = await _admitted(request, session, endpoint, role)
        if request.state.session is not session or not session.fresh:
            sessions.write(request, response, request.state.session)
        return response

    return admitting


def _noted(endpoint: Endpoint, action: AuditAction | None) -> Endpoint:
    async def noting(request: Request) -> Response:
        note = request.state.note = page_note(request, action)
        response = await endpoint(request)
        if response.status_code < _FIRST_ERROR:
            await note.write(request)
        return response

    return noting


async def _admitted(request: Request, session: Session, endpoint: Endpoint, role: Role | None) -> Response:
    if role is not None and session.user is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(here, safe='')}", status_code=303)
    if role is Role.OPERATOR and session.user is not None and session.user.role is not Role.OPERATOR:
        await replace(page_note(request, AuditAction.ROLE_REFUSED), target=request.url.path).write(request)
        return page(request, "refused.html", 403, reason="role")
    return await endpoint(request)


def _from_our_form(endpoint: Endpoint, largest: int) -> Endpoint:
    async def checked(request: Request) -> Response:
        form = await _form(request, largest)
        if form is None:
            return page(request, "refused.html", 413, reason="size")
        token = str(form.get("csrf") or request.headers.get("x-csrf-token", ""))
        ours = hmac.compare_digest(token.encode(), request.state.session.csrf.encode())
        if not ours or not _same_origin(request):
            return page(request, "refused.html", 403, reason="form")
        request.state.form = form
        return await endpoint(request)

    return checked


async def _form(request: Request, largest: int) -> FormData | None:
    """Read an urlencoded form; None if it is larger than any form of ours."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            return None
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    return FormData([*pairs])


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    sessions: Sessions = request.app.state.sessions
    ours = (f"http://{request.headers.get('host')}", f"https://{request.headers.get('host')}", sessions.public_origin)
    return origin is None or origin in ours  # a proxy may put a name of its own in place of the host's
