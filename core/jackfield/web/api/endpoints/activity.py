"""What pipelines had to do in the last 24 hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime

from jackfield.host.host import Host
from jackfield.journal.records import State
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.api.endpoints.pipelines import known_pipeline
from jackfield.web.render.activity import PERIOD, Hour, activities


@dataclass(frozen=True, slots=True)
class PipelineActivity:
    """The runs that came in within 24 hours, by hour and by the state that they are in now.

    `failed` counts the failed runs that still stand, `repaired` those that were repaired or set aside.
    `last_event` is when the newest run came in, however long ago.
    """

    pipeline: str
    last_event: AwareDatetime | None
    runs: int
    failed: int
    repaired: int
    states: Mapping[State, int]
    hours: Sequence[Hour]


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/activity", list_activity),
        Endpoint("GET", "/pipelines/{id}/activity", show_activity),
    ]


async def list_activity(host: Host) -> list[PipelineActivity]:
    """Count the runs of every pipeline in the last 24 hours."""
    return await _counted(host, [pipeline.id for pipeline in host.pipelines], None)


async def show_activity(host: Host, id: str) -> PipelineActivity:
    """Count the runs of one pipeline in the last 24 hours."""
    known_pipeline(host, id)
    [found] = await _counted(host, [id], id)
    return found


async def _counted(host: Host, pipelines: Sequence[str], only: str | None) -> list[PipelineActivity]:
    now = host.intake.now()
    found = activities(await host.journal.counts(now - PERIOD, only), pipelines, now)
    latest = await host.journal.latest()
    return [
        PipelineActivity(id, latest.get(id), one.runs, one.failed, one.repaired, one.states, one.hours)
        for id, one in found.items()
    ]
