"""What has not become a run: refused requests, and events that were taken for earlier ones."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.errors import JackfieldError, JournalUnavailable
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import StoredRequest
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.pages.runs.hints import refusal_hint
from jackfield.web.pages.runs.journal import sight_of, titles_of
from jackfield.web.pages.runs.run import operations_of
from jackfield.web.render.excerpt import Excerpt, Excerpts
from jackfield.web.render.rendering import page

_PAGE: Final = 30
_SHOWN: Final = 20_000
"""Characters of a body; divisible by four, as Base64 has to be."""
_ROOM: Final = 1_000_000
"""Bytes of all bodies of a page."""
_LARGEST_NUMBER: Final = 18


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/refused", list_refused),
        page_route("/refused/duplicates", list_duplicates),
        form_route("/refused/{id}/accept", accept, action=AuditAction.REQUEST_ACCEPTED),
        form_route("/refused/duplicates/{number}/accept", accept_duplicate, action=AuditAction.REQUEST_ACCEPTED),
    ]


async def list_refused(request: Request) -> Response:
    """Show refused requests."""
    asked = request.query_params
    return await _refused_page(request, asked.get("pipeline", ""), asked.get("before"), accepted=asked.get("accepted"))


async def list_duplicates(request: Request) -> Response:
    """Show events that were taken for those of earlier runs."""
    return await _duplicates_page(request)


async def accept_duplicate(request: Request) -> Response:
    """Run an event after all: replay the run that it was taken for, with this event."""
    number = _number(request.path_params["number"])
    found = await sight_of(request).duplicates(None, 1, number + 1) if number is not None else []
    if not found or found[0].number != number:
        raise HTTPException(404)
    try:
        runs = await operations_of(request).replay(found[0].run, event=dict(found[0].event.data))
        request.state.note.detail = f"replayed as {', '.join(runs)}; it was a duplicate of {found[0].run}"
    except JournalUnavailable:
        raise
    except JackfieldError as error:
        return await _duplicates_page(request, 409, str(error))
    return RedirectResponse(f"/runs/{quote(runs[0], safe='')}?done=accepted", status_code=303)


async def _duplicates_page(request: Request, status: int = 200, error: str | None = None) -> Response:
    pipeline = request.query_params.get("pipeline", "")
    number = _number(request.query_params.get("before", ""))
    found = await sight_of(request).duplicates(pipeline or None, _PAGE + 1, number)
    excerpts = Excerpts(_ROOM, _SHOWN)
    rows = [(one, excerpts.json(one.event.data)) for one in found[:_PAGE]]
    older = _older("/refused/duplicates", pipeline, str(found[_PAGE - 1].number)) if len(found) > _PAGE else None
    context = {"rows": rows, "older": older, "pipeline": pipeline, "titles": titles_of(request), "error": error}
    return page(request, "duplicates.html", status, **context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LARGEST_NUMBER else None


async def accept(request: Request) -> Response:
    """Accept a refused request after all, and show what it became."""
    id, pipeline = request.path_params["id"], str(request.state.form.get("pipeline", ""))
    before = str(request.state.form.get("before", "")) or None
    try:
        runs = await operations_of(request).replay(id)
        request.state.note.detail = f"replayed as {', '.join(runs)}"
    except JournalUnavailable:
        raise
    except JackfieldError as error:
        return await _refused_page(request, pipeline, before, status=409, wrong=id, error=str(error))
    if len(runs) == 1:
        return RedirectResponse(f"/runs/{quote(runs[0], safe='')}?done=accepted", status_code=303)
    query = urlencode([pair for pair in (("pipeline", pipeline), ("before", before), ("accepted", id)) if pair[1]])
    return RedirectResponse(f"/refused?{query}", status_code=303)


async def _refused_page(
    request: Request,
    pipeline: str,
    before: str | None,
    *,
    status: int = 200,
    wrong: str | None = None,
    error: str | None = None,
    accepted: str | None = None,
) -> Response:
    found = await sight_of(request).refusals(pipeline or None, _PAGE + 1, before)
    excerpts = Excerpts(_ROOM, _SHOWN)
    return page(
        request,
        "refusals.html",
        status,
        rows=[(one, _body(one.request, excerpts), refusal_hint(one.status, one.reason)) for one in found[:_PAGE]],
        older=_older("/refused", pipeline, found[_PAGE - 1].id) if len(found) > _PAGE else None,
        first=before is None,
        pipeline=pipeline,
        before=before or "",
        titles=titles_of(request),
        wrong=wrong,
        error=error,
        accepted=accepted,
    )


def _older(path: str, pipeline: str, before: str) -> str:
    return f"{path}?{urlencode([('pipeline', pipeline), ('before', before)] if pipeline else [('before', before)])}"


def _body(request: StoredRequest, excerpts: Excerpts) -> Excerpt:
    """Show a body, its beginning if it is long; one that is no text shows the bytes that are letters."""
    if request.encoding != "base64":
        return excerpts.body(request.body)
    beginning = base64.b64decode(request.body[:_SHOWN])
    shown = excerpts.text(beginning.decode("latin-1").encode("ascii", "backslashreplace").decode())
    return replace(shown, whole=shown.whole and len(request.body) <= _SHOWN)
