"""The page of one pipeline: its picture, how to set up its sender, its journal; and what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.components.values import EventField, Text
from jackfield.errors import JackfieldError, PluginError
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import Mode
from jackfield.journal.views import Query, RunSummary
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.sender import Address, sample_request, sender_address
from jackfield.web.auth.callers import mode_words
from jackfield.web.auth.page_access import form_route, local_path, page_route
from jackfield.web.pages.pipelines.flow import flow_of
from jackfield.web.pages.pipelines.problems import pipeline_problems
from jackfield.web.pages.pipelines.progress import Progress, progress_of
from jackfield.web.pages.runs.timeline import steps_of
from jackfield.web.render.activity import PERIOD, activities
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_NEWEST: Final = 20
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Sender:
    """What the sender's side needs to know. `address` is None where the source fails to make it: `error` says how."""

    address: Address | None
    error: str
    fields: Sequence[EventField]
    instructions: Sequence[Text]


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/pipelines/{id}", show_pipeline),
        form_route("/pipelines/{id}/mode", set_mode, action=AuditAction.MODE),
        form_route("/pipelines/{id}/sample", send_sample, action=AuditAction.SAMPLE_SENT),
        page_route("/pipelines/{id}/sample", leave_sample),
    ]


async def show_pipeline(request: Request) -> Response:
    """Show a pipeline, or what is left of one whose file is gone."""
    host, id = host_of(request), request.path_params["id"]
    pipeline = host.pipelines.get(id)
    if pipeline is not None:
        return await _shown(request, pipeline)
    runs = await _runs(request, id)
    if not runs and not await host.journal.versions(id):
        raise HTTPException(404)
    return page(request, "pipeline_gone.html", id=id, runs=runs)


async def set_mode(request: Request) -> Response:
    """Start, hold or stop a pipeline, and go back to where that was asked for."""
    form, pipeline = request.state.form, _known(request)
    mode = next((mode for mode in Mode if mode.value == form.get("mode")), None)
    if mode is None:
        raise HTTPException(400)
    reason = "" if mode is Mode.RUNNING else str(form.get("reason", "")).strip()[:_LONGEST_REASON]
    await host_of(request).modes.set(pipeline.id, mode, reason)
    request.state.note.detail = mode_words(mode, reason)
    return RedirectResponse(local_path(str(form.get("next", "/"))), status_code=303)


async def send_sample(request: Request) -> Response:
    """Send a sample event as the sender would, and go to the run that it becomes."""
    host, pipeline = host_of(request), _known(request)
    try:
        sample = sample_request(pipeline, {})
        taken = await host.intake.receive(pipeline, host.modes.get(pipeline.id).mode, sample)
    except JackfieldError as error:
        return await _shown(request, pipeline, refused=pipeline.mask(str(error)))
    if not taken.runs:
        return await _shown(request, pipeline, refused=taken.refused or "")
    run = taken.runs[0]
    page_route = await host.journal.run(run)
    if page_route is not None and page_route.summary.received_at != sample.received_at:
        return RedirectResponse(f"{_path(pipeline.id)}?duplicate={run}", status_code=303)
    return RedirectResponse(f"/runs/{run}", status_code=303)


async def leave_sample(request: Request) -> Response:
    """Go back to the pipeline: the page that says why a sample was refused is loaded anew, or in another language."""
    return RedirectResponse(_path(request.path_params["id"]), status_code=303)


async def _shown(request: Request, pipeline: Pipeline, refused: str | None = None) -> Response:
    """Show a pipeline; `refused` is why a sample was not taken, empty where there was no event in it."""
    host = host_of(request)
    now = host.intake.now()
    counts = await host.journal.counts(now - PERIOD, pipeline.id)
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "mode": host.modes.get(pipeline.id),
        "flow": flow_of(pipeline, host.registry),
        "progress": await _progress(host, pipeline, now),
        "activity": activities(counts, [pipeline.id], now)[pipeline.id],
        "problems": pipeline_problems(host, pipeline),
        "sender": _sender(host, pipeline),
        "runs": await _runs(request, pipeline.id),
        "duplicate_of": await _twin(request, pipeline.id),
        "refused": refused,
    }
    return page(request, "pipeline.html", 200 if refused is None else 409, **context)


async def _progress(host: Host, pipeline: Pipeline, now: datetime) -> Mapping[str, Progress]:
    """Count at each step the runs of the period of the other numbers, each by the steps of the version it was on."""
    standings = await host.journal.standings(pipeline.id, now - PERIOD)
    versions = {}
    for version in {standing.version for standing in standings}:
        kept = await host.journal.version(pipeline.id, version)
        versions[version] = [name for name, _ in steps_of(kept)]
    return progress_of(standings, versions)


async def _twin(request: Request, pipeline: str) -> str | None:
    """Return the run that a sample was taken for, as the address says, if there is one of this pipeline."""
    page_route = await host_of(request).journal.run(request.query_params.get("duplicate", ""))
    return page_route.summary.id if page_route is not None and page_route.summary.pipeline == pipeline else None


def _sender(host: Host, pipeline: Pipeline) -> Sender:
    source = pipeline.source.source if pipeline.source else None
    fields = source.fields if source else ()
    instructions = source.instructions if source else ()
    try:
        return Sender(sender_address(host.project, host.addresses, pipeline), "", fields, instructions)
    except PluginError as error:
        return Sender(None, pipeline.mask(str(error)), fields, instructions)


async def _runs(request: Request, pipeline: str) -> Sequence[RunSummary]:
    """List the newest runs, as far as this visitor may see them."""
    host, visitor = host_of(request), request.state.visitor
    sight = JournalViewer(host.journal, host.pipelines.get, visitor.role if visitor else Role.VIEWER)
    return (await sight.search(Query(pipeline=pipeline, limit=_NEWEST))).runs


def _path(id: str) -> str:
    return f"/pipelines/{quote(id, safe='')}"


def _known(request: Request) -> Pipeline:
    pipeline = host_of(request).pipelines.get(request.path_params["id"])
    if pipeline is None:
        raise HTTPException(404)
    return pipeline
