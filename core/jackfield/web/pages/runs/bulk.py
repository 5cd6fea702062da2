"""What an operator does to many runs at once: which they are, what is done to them, how far it is."""

from __future__ import annotations

from itertools import islice
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.errors import JackfieldError
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import State
from jackfield.runs.jobs import Deed, Job, Order
from jackfield.web.auth.callers import job_words
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.pages.runs.filters import RunFilter
from jackfield.web.pages.runs.journal import runs_page
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

LONGEST_NOTE: Final = 500
_MOST_CHOSEN: Final = 4_000
_NAMED: Final = 5
"""So many runs are named in the question."""
_ENDS: Final = (State.SUCCEEDED, State.SKIPPED, State.FAILED, State.CANCELLED)


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        form_route("/runs/bulk", ask),
        page_route("/runs/bulk", leave_asking),
        page_route("/bulk/{id}", show_job, Role.OPERATOR),
        form_route("/bulk/{id}/start", start_job, action=AuditAction.JOB_STARTED),
        form_route("/bulk/{id}/stop", stop_job, action=AuditAction.JOB_STOPPED),
    ]


async def ask(request: Request) -> Response:
    """Make a job for the runs that were chosen, or for all that match, and ask whether to do it."""
    form, wanted = request.state.form, RunFilter.read(request.state.form)
    chosen = [str(run) for run in form.getlist("run")][:_MOST_CHOSEN]
    everything = form.get("scope") == "matching"
    if form.get("deed") not in set(Deed) or not (everything or chosen):
        return await runs_page(request, wanted, error="nothing chosen")
    if everything and wanted.wrong:
        return await runs_page(request, wanted, error="wrong filter")
    order = Order(Deed(str(form.get("deed"))))  # a filter says what is looked at; what is sent twice is asked for here
    try:
        job = await host_of(request).bulk.ask(
            order, wanted.query() if everything else chosen, request.state.visitor.name
        )
    except JackfieldError as error:
        return await runs_page(request, wanted, error=str(error))
    return _to(job)


async def leave_asking(_request: Request) -> Response:
    """Go back to the journal: the page that says why there is no job is loaded anew, or in another language."""
    return RedirectResponse("/runs", status_code=303)


async def show_job(request: Request) -> Response:
    """Ask whether to do it, or show how far it is."""
    job = _job(request)
    await host_of(request).bulk.follow(job)
    ended = [(state, job.ended[state]) for state in _ENDS if job.ended[state]]
    handled = job.done + job.failed
    labels = [*islice((job.labels[run] for run in job.runs if run in job.labels), _NAMED)]
    return page(request, "bulk.html", job=job, count=len(job.runs), handled=handled, ended=ended, labels=labels)


async def start_job(request: Request) -> Response:
    """Begin."""
    job, form = _job(request), request.state.form
    order = Order(
        job.order.deed,
        from_failed=form.get("from") == "failed",
        on="original" if form.get("on") == "original" else "current",
        repaired=bool(form.get("repaired")),
        note=str(form.get("note", "")).strip()[:LONGEST_NOTE],
    )
    host_of(request).bulk.start(job, order)
    request.state.note.detail = job_words(job)
    return _to(job)


async def stop_job(request: Request) -> Response:
    """End it where it stands."""
    job = _job(request)
    host_of(request).bulk.stop(job)
    return _to(job)


def _job(request: Request) -> Job:
    job = host_of(request).bulk.get(request.path_params["id"])
    if job is None:
        raise HTTPException(404)
    return job


def _to(job: Job) -> Response:
    return RedirectResponse(f"/bulk/{quote(job.id, safe='')}", status_code=303)
