"""The table of all pipelines: the first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host.host import Host
from jackfield.journal.records import ModeRecord
from jackfield.pipelines.definition import Pipeline
from jackfield.web.auth.page_access import page_route
from jackfield.web.pages.pipelines.flow import Flow, flow_of
from jackfield.web.pages.pipelines.problems import PipelineProblems, host_problems, pipeline_problems
from jackfield.web.render.activity import PERIOD, Activity, activities
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of


@dataclass(frozen=True, slots=True)
class Row:
    """One pipeline as the table shows it; `latest` is when its newest run came in."""

    pipeline: Pipeline
    mode: ModeRecord
    flow: Flow
    activity: Activity
    latest: datetime | None
    problems: PipelineProblems


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [page_route("/", list_pipelines)]


async def list_pipelines(request: Request) -> Response:
    """Show every pipeline: what it connects, whether it runs, how it does."""
    host = host_of(request)
    now = host.intake.now()
    counts = await host.journal.counts(now - PERIOD)
    latest = dict(await host.journal.latest())
    known = sorted(host.pipelines, key=lambda pipeline: pipeline.id)
    active = activities(counts, (pipeline.id for pipeline in known), now)
    rows = [_row(host, pipeline, active[pipeline.id], latest.pop(pipeline.id, None)) for pipeline in known]
    return page(request, "pipelines.html", rows=rows, gone=sorted(latest), problems=host_problems(host))


def _row(host: Host, pipeline: Pipeline, activity: Activity, latest: datetime | None) -> Row:
    return Row(
        pipeline,
        host.modes.get(pipeline.id),
        flow_of(pipeline, host.registry),
        activity,
        latest,
        pipeline_problems(host, pipeline),
    )
