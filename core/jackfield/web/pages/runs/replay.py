"""What an operator does to one run: replay it, cancel it, retry it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.components.values import JsonObject
from jackfield.errors import JackfieldError, JournalUnavailable
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import SetAside
from jackfield.journal.views import RunView
from jackfield.runs.replay import On
from jackfield.web.auth.callers import replayed_as
from jackfield.web.auth.page_access import form_route
from jackfield.web.pages.runs.run import operations_of, run_page, seen_run
from jackfield.web.state import host_of

_LONGEST_NOTE: Final = 500


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        form_route("/runs/{id}/replay", replay_run, action=AuditAction.RUN_REPLAYED),
        form_route("/runs/{id}/cancel", cancel_run, action=AuditAction.RUN_CANCELLED),
        form_route("/runs/{id}/retry", retry_run, action=AuditAction.RUN_RETRIED),
        form_route("/runs/{id}/set-aside", set_aside, action=AuditAction.RUN_SET_ASIDE),
        form_route("/runs/{id}/take-back", take_back, action=AuditAction.RUN_TAKEN_BACK),
    ]


async def replay_run(request: Request) -> Response:
    """Make a new run of a run, and go to its page; show what is wrong if there cannot be one."""
    seen, form = await seen_run(request), request.state.form
    filled = {name: str(form.get(name, "")) for name in ("from_step", "on", "event")}
    on: On = "original" if filled["on"] == "original" else "current"
    try:
        event = _edited(filled["event"], seen)
    except TypeError:
        return await _again(request, seen, filled, {"event": "no object"})
    except ValueError as error:
        return await _again(request, seen, filled, {"event": str(error)})
    try:
        new = await operations_of(request).replay(
            seen.summary.id, from_step=filled["from_step"] or None, on=on, event=event
        )
    except JournalUnavailable:
        raise
    except JackfieldError as error:
        return await _again(request, seen, filled, {"replay": str(error)})
    request.state.note.detail = replayed_as(new, filled["from_step"], on, edited=event is not None)
    return RedirectResponse(f"/runs/{quote(new[0], safe='')}?done=replayed#run", status_code=303)


async def cancel_run(request: Request) -> Response:
    """End a run that is not settled."""
    cancelled = await host_of(request).journal.cancel(request.path_params["id"])
    return await _after(request, "cancelled", None if cancelled else "settled")


async def retry_run(request: Request) -> Response:
    """Make a run due that waits for its next attempt."""
    due = await host_of(request).journal.retry_now(request.path_params["id"])
    return await _after(request, "due", None if due else "not waiting")


async def set_aside(request: Request) -> Response:
    """Note that nothing is to be done about a failed run."""
    note = str(request.state.form.get("note", "")).strip()[:_LONGEST_NOTE]
    word = SetAside(host_of(request).intake.now(), request.state.visitor.name, note)
    aside = await host_of(request).journal.set_aside(request.path_params["id"], word)
    request.state.note.detail = note
    return await _after(request, "set-aside", None if aside else "not failed")


async def take_back(request: Request) -> Response:
    """Let a failed run that was set aside count again."""
    back = await host_of(request).journal.set_aside(request.path_params["id"], None)
    return await _after(request, "taken-back", None if back else "not failed")


async def _after(request: Request, done: str, error: str | None) -> Response:
    seen = await seen_run(request)
    if error is not None:
        return await run_page(request, seen, status=409, errors={"run": error})
    return RedirectResponse(f"/runs/{quote(seen.summary.id, safe='')}?done={done}", status_code=303)


async def _again(request: Request, seen: RunView, filled: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    return await run_page(request, seen, status=422, errors=errors, replay=filled)


def _edited(text: str, seen: RunView) -> JsonObject | None:
    """Read the event that was filled in; None if nothing was changed. Raises ValueError; TypeError for no object."""
    if not text.strip():
        return None
    data = from_json(text, allow_inf_nan=False)
    if not isinstance(data, dict):
        raise TypeError
    return None if data == seen.event.data else data
