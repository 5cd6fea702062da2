"""The audit log, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.i18n.translations import noop
from jackfield.journal.audit import AuditAction, AuditQuery, Via
from jackfield.web.auth.page_access import page_route
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_PAGE: Final = 50
_LARGEST_NUMBER: Final = 18
_LABELS: Final[Mapping[AuditAction, str]] = {
    AuditAction.LOGIN: noop("Logged in"),
    AuditAction.LOGIN_FAILED: noop("Wrong password"),
    AuditAction.LOGOUT: noop("Logged out"),
    AuditAction.TOKEN_REFUSED: noop("API token refused"),
    AuditAction.ROLE_REFUSED: noop("Refused: operators only"),
    AuditAction.USER_ADDED: noop("User added"),
    AuditAction.USER_REMOVED: noop("User removed"),
    AuditAction.USER_ROLE: noop("Role changed"),
    AuditAction.USER_PASSWORD: noop("Password changed"),
    AuditAction.TOKEN_MADE: noop("API token made"),
    AuditAction.TOKEN_REVOKED: noop("API token revoked"),
    AuditAction.SECRET_SET: noop("Secret set"),
    AuditAction.SECRET_REMOVED: noop("Secret deleted"),
    AuditAction.SECRET_MOVED: noop("Key moved to secrets"),
    AuditAction.MODE: noop("Pipeline started, held or stopped"),
    AuditAction.FILE_CHANGED: noop("File changed"),
    AuditAction.FILE_REMOVED: noop("File deleted"),
    AuditAction.TEST_SAVED: noop("Test saved"),
    AuditAction.STEP_SENT: noop("Step tried, really sent"),
    AuditAction.SAMPLE_SENT: noop("Sample event sent"),
    AuditAction.NOTICE_SENT: noop("Test notice sent"),
    AuditAction.RUN_REPLAYED: noop("Run replayed"),
    AuditAction.RUN_CANCELLED: noop("Run cancelled"),
    AuditAction.RUN_RETRIED: noop("Run retried now"),
    AuditAction.RUN_SET_ASIDE: noop("Run set aside"),
    AuditAction.RUN_TAKEN_BACK: noop("Run taken back"),
    AuditAction.REQUEST_ACCEPTED: noop("Refused request accepted"),
    AuditAction.JOB_STARTED: noop("Many runs: started"),
    AuditAction.JOB_STOPPED: noop("Many runs: stopped"),
}
_WAYS: Final[Mapping[Via, str]] = {
    Via.PAGES: noop("pages"),
    Via.API: noop("API"),
    Via.COMMAND: noop("command line"),
    Via.DISK: noop("on disk"),
}


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [page_route("/audit", show_entries, Role.OPERATOR)]


async def show_entries(request: Request) -> Response:
    """Show who did what, newest first."""
    asked = request.query_params
    actor, before = asked.get("actor", "").strip(), asked.get("before", "")
    action = next((one for one in AuditAction if one.value == asked.get("action")), None)
    number = int(before) if before.isascii() and before.isdigit() and len(before) < _LARGEST_NUMBER else None
    query = AuditQuery(actor=actor or None, action=action, before=number, limit=_PAGE + 1)
    found = await host_of(request).journal.audit(query)
    filters = [pair for pair in (("actor", actor), ("action", action.value if action else "")) if pair[1]]
    older = f"/audit?{urlencode([*filters, ('before', str(found[_PAGE - 1].number))])}" if len(found) > _PAGE else None
    shown = {
        "labels": _LABELS,
        "ways": _WAYS,
        "actor": actor,
        "action": action,
        "older": older,
        "first": number is None,
    }
    return page(request, "audit.html", entries=found[:_PAGE], **shown)
