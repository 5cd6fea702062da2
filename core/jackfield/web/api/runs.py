"""Runs and refused requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime, Field, JsonValue

from jackfield.components import OptionsModel
from jackfield.errors import UnknownRun
from jackfield.host import Host
from jackfield.journal.records import Page, Query, Refusal, RunView, State
from jackfield.operations import On, Operations
from jackfield.sight import Sight
from jackfield.users import Role
from jackfield.web.api.operation import Operation


class RunsQuery(OptionsModel):
    """Which runs to list, newest first."""

    pipeline: str | None = None
    state: State | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    search: str | None = None
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


class RefusalsQuery(OptionsModel):
    """Which refused requests to list, newest first."""

    pipeline: str | None = None
    limit: int = Field(default=50, ge=1, le=1000)


class ReplayBody(OptionsModel):
    """How to replay: from which step, on which version, with which event."""

    from_step: str | None = None
    on: On = "current"
    event: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The new runs."""

    runs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Whether the run was ended: one that is settled is not."""

    cancelled: bool


@dataclass(frozen=True, slots=True)
class MadeDue:
    """Whether the run was made due: one that does not wait is not."""

    due: bool


def operations() -> list[Operation]:
    """Return the operations of this module."""
    return [
        Operation("GET", "/runs", list_runs),
        Operation("GET", "/runs/{id}", show_run),
        Operation("POST", "/runs/{id}/replay", replay_run, 201),
        Operation("POST", "/runs/{id}/cancel", cancel_run),
        Operation("POST", "/runs/{id}/retry", retry_run),
        Operation("GET", "/refusals", list_refusals),
    ]


async def list_runs(host: Host, role: Role, query: RunsQuery) -> Page:
    """List runs, newest first."""
    states = frozenset({query.state}) if query.state else frozenset[State]()
    asked = Query(query.pipeline, states, query.since, query.until, query.search, query.cursor, query.limit)
    return await _sight(host, role).search(asked)


async def show_run(host: Host, role: Role, id: str) -> RunView:
    """Show one run with everything that happened to it."""
    view = await _sight(host, role).run(id)
    if view is None:
        raise UnknownRun(f"there is no run {id}")
    return view


async def replay_run(host: Host, id: str, body: ReplayBody) -> Replayed:
    """Replay a run, or accept a refused request."""
    work = Operations(host.journal, host.intake, host.pipelines.get, host.intake.now)
    return Replayed(await work.replay(id, from_step=body.from_step, on=body.on, event=body.event))


async def cancel_run(host: Host, id: str) -> Cancelled:
    """Cancel a run that is not settled."""
    return Cancelled(await host.journal.cancel(id))


async def retry_run(host: Host, id: str) -> MadeDue:
    """Make a run due that waits for its next attempt."""
    return MadeDue(await host.journal.retry_now(id))


async def list_refusals(host: Host, role: Role, query: RefusalsQuery) -> list[Refusal]:
    """List refused requests, newest first."""
    return await _sight(host, role).refusals(query.pipeline, query.limit)


def _sight(host: Host, role: Role) -> Sight:
    return Sight(host.journal, host.pipelines.get, role)
