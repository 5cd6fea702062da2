"""Runs, refused requests and duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.checks.scenario import (
    SCENARIO_NAME,
    save_scenario,
    scenario_file,
    scenario_files,
    suggested_name,
)
from jackfield.checks.scenario_text import scenario_text
from jackfield.components.options import OptionsModel
from jackfield.errors import BadRequest, NotFound
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import Refusal, SetAside, State
from jackfield.journal.views import DuplicateEntry, Page, Query, RunView
from jackfield.runs.replay import On, Replays
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note, replayed_as


def _read_moment(given: object) -> object:
    """Read a moment out of text, which a body's strict model would not take within another model."""
    try:
        return _MOMENTS.validate_python(given) if isinstance(given, str) else given
    except ValidationError:
        return given


_MOMENTS: Final[TypeAdapter[AwareDatetime]] = TypeAdapter(AwareDatetime)
_Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_read_moment)]


class RunsFilter(OptionsModel):
    """Which runs: of which pipeline, in one of which states, from when to when, with which words in the event.

    Where `state` is given, failed runs that were repaired or set aside are left out unless `repaired` is true.
    """

    pipeline: str | None = None
    state: list[State] = Field(default_factory=list, max_length=len(State))
    since: _Moment | None = None
    until: _Moment | None = None
    search: str | None = None
    repaired: bool = False

    def query(self, cursor: str | None = None, limit: int = 50) -> Query:
        """Ask the journal for these."""
        states, repaired = frozenset(self.state), self.repaired or not self.state
        return Query(self.pipeline, states, self.since, self.until, self.search, cursor, limit, repaired=repaired)


class RunsQuery(RunsFilter):
    """Which runs to list, newest first."""

    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


class RefusalsQuery(OptionsModel):
    """Which refused requests to list, newest first: those older than the one that has the id `before`."""

    pipeline: str | None = None
    before: str | None = None
    limit: int = Field(default=50, ge=1, le=1000)


class DuplicatesQuery(OptionsModel):
    """Which duplicates to list, newest first: those below the number `before`."""

    pipeline: str | None = None
    before: int | None = Field(default=None, ge=0, lt=2**63)
    limit: int = Field(default=50, ge=1, le=1000)


class TestBody(OptionsModel):
    """What the test is to be called; without a name, after its pipeline."""

    name: str | None = None


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


class SetAsideBody(OptionsModel):
    """Why nothing is to be done about the run."""

    note: str = Field(default="", max_length=500)


@dataclass(frozen=True, slots=True)
class MadeDue:
    """Whether the run was made due: one that does not wait is not."""

    due: bool


@dataclass(frozen=True, slots=True)
class TestSaved:
    """The file that was written, as seen from the project folder."""

    file: str


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/runs", list_runs),
        Endpoint("GET", "/runs/{id}", show_run),
        Endpoint("POST", "/runs/{id}/replay", replay_run, 201, action=AuditAction.RUN_REPLAYED),
        Endpoint("POST", "/runs/{id}/cancel", cancel_run, action=AuditAction.RUN_CANCELLED),
        Endpoint("POST", "/runs/{id}/retry", retry_run, action=AuditAction.RUN_RETRIED),
        Endpoint("PUT", "/runs/{id}/set-aside", set_run_aside, 204, action=AuditAction.RUN_SET_ASIDE),
        Endpoint("DELETE", "/runs/{id}/set-aside", take_run_back, 204, action=AuditAction.RUN_TAKEN_BACK),
        Endpoint("POST", "/runs/{id}/test", save_test, 201, action=AuditAction.TEST_SAVED),
        Endpoint("GET", "/refusals", list_refusals),
        Endpoint("GET", "/duplicates", list_duplicates),
    ]


async def list_runs(host: Host, role: Role, query: RunsQuery) -> Page:
    """List runs, newest first."""
    return await _sight(host, role).search(query.query(query.cursor, query.limit))


async def show_run(host: Host, role: Role, id: str) -> RunView:
    """Show one run with everything that happened to it."""
    view = await _sight(host, role).run(id)
    if view is None:
        raise NotFound(f"there is no run {id}")
    return view


async def replay_run(host: Host, note: Note, id: str, body: ReplayBody) -> Replayed:
    """Replay a run, or accept a refused request."""
    runs = await _operations(host).replay(id, from_step=body.from_step, on=body.on, event=body.event)
    note.detail = replayed_as(runs, body.from_step, body.on, edited=body.event is not None)
    if await host.journal.refusal(id) is not None:
        note.action = AuditAction.REQUEST_ACCEPTED
    return Replayed(runs)


async def cancel_run(host: Host, note: Note, id: str) -> Cancelled:
    """Cancel a run that is not settled."""
    done = Cancelled(await host.journal.cancel(id))
    note.detail = "" if done.cancelled else "it was settled already"
    return done


async def retry_run(host: Host, id: str) -> MadeDue:
    """Make a run due that waits for its next attempt."""
    return MadeDue(await host.journal.retry_now(id))


async def set_run_aside(host: Host, caller: str, note: Note, id: str, body: SetAsideBody) -> None:
    """Note that nothing is to be done about a failed run: it is counted and told of no more."""
    note.detail = body.note
    await _operations(host).set_aside(id, SetAside(host.intake.now(), caller, body.note))


async def take_run_back(host: Host, id: str) -> None:
    """Let a failed run that was set aside count again."""
    await _operations(host).set_aside(id, None)


async def save_test(host: Host, note: Note, id: str, body: TestBody) -> TestSaved:
    """Save a run as a test of its pipeline."""
    view = await host.journal.run(id)
    if view is None:
        raise NotFound(f"there is no run {id}")
    pipeline = host.pipelines.get(view.summary.pipeline)
    text = scenario_text(
        view, {step.name for step in (pipeline.steps if pipeline else ()) if not step.action.http_only}
    )
    name = body.name or suggested_name(
        view.summary.pipeline, await run_in_threadpool(scenario_files, host.project.folder)
    )
    note.detail = scenario_file(name)
    async with host.files.changing(scenario_file(name), None):
        await run_in_threadpool(_save, host.project.folder, name, text)
    return TestSaved(scenario_file(name))


def _save(folder: Path, name: str, text: str) -> None:
    if not SCENARIO_NAME.fullmatch(name):
        raise BadRequest("a test's name has lower-case Latin letters, digits, - and _ only, 64 at most")
    save_scenario(folder, name, text)


async def list_refusals(host: Host, role: Role, query: RefusalsQuery) -> list[Refusal]:
    """List refused requests, newest first."""
    return await _sight(host, role).refusals(query.pipeline, query.limit, query.before)


async def list_duplicates(host: Host, role: Role, query: DuplicatesQuery) -> list[DuplicateEntry]:
    """List events that were taken for those of earlier runs, newest first."""
    return await _sight(host, role).duplicates(query.pipeline, query.limit, query.before)


def _operations(host: Host) -> Replays:
    return Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)


def _sight(host: Host, role: Role) -> JournalViewer:
    return JournalViewer(host.journal, host.pipelines.get, role)
