"""What an operator does to many runs at once, in the background: replay them, cancel them, retry them now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog

from jackfield.errors import JackfieldError, UnknownRun
from jackfield.intake import new_id
from jackfield.journal.port import Journal
from jackfield.journal.records import Outcome
from jackfield.journal.views import Query
from jackfield.operations import On, Operations

MOST_RUNS: Final = 100_000
"""How many runs one job takes in, the newest ones."""
SHOWN_FAILURES: Final = 50
_MOST_JOBS: Final = 20
_PAGE: Final = 500
_AT_ONCE: Final = 16
"""So many share a transaction of the journal."""


class Deed(StrEnum):
    """What is done to each run."""

    REPLAY = "replay"
    CANCEL = "cancel"
    RETRY = "retry"


class Phase(StrEnum):
    """How far a job is."""

    GATHERING = "gathering"
    """It looks for the runs that match."""
    ASKED = "asked"
    """It knows them, and waits for somebody to say yes."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Somebody ended it early, or the host ends."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done. `from_failed` and `on` are about replays: from the step that failed, on which version."""

    deed: Deed
    from_failed: bool = False
    on: On = "current"


@dataclass(slots=True)
class Job:
    """One order for many runs, and how far it is. Only the host that has it knows it: it ends with the host."""

    id: str
    order: Order
    asked_by: str
    asked_at: datetime
    runs: Sequence[str] = ()
    """The runs that matched when it was asked for; those that come later are not among them."""
    more: bool = False
    """Whether more matched than a job takes in."""
    phase: Phase = Phase.GATHERING
    done: int = 0
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    """The first runs to which it could not be done, and why."""
    fault: str | None = None
    """Why the runs could not be gathered."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in (Phase.DONE, Phase.STOPPED)


class Bulk:
    """The jobs of one host, the newest few of them. No two jobs are at work at the same time."""

    def __init__(self, journal: Journal, operations: Operations, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._operations = operations
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def get(self, id: str) -> Job | None:
        """Find a job."""
        return self._jobs.get(id)

    def jobs(self) -> list[Job]:
        """List the jobs, newest first."""
        return [*self._jobs.values()][::-1]

    def ask(self, order: Order, runs: Sequence[str] | Query, asked_by: str) -> Job:
        """Make a job for these runs, or for those that match now. It does nothing before `start()`.

        Raises `JackfieldError` if too many are under way.
        """
        self._make_room()
        job = Job(new_id(), order, asked_by, self._now())
        self._jobs[job.id] = job
        if isinstance(runs, Query):
            query = replace(runs, until=min(runs.until or job.asked_at, job.asked_at), cursor=None, limit=_PAGE)
            self._spawn(self._gather(job, query))
        else:
            job.runs, job.phase = [*dict.fromkeys(runs)][:MOST_RUNS], Phase.ASKED
        return job

    def start(self, job: Job, order: Order) -> None:
        """Do it, in the way that was chosen in the end. A second call does nothing."""
        if job.phase is Phase.ASKED:
            job.order, job.phase = order, Phase.RUNNING
            self._spawn(self._carry_out(job))

    def stop(self, job: Job) -> None:
        """End a job where it stands: what was done stays done."""
        if not job.over:
            job.phase = Phase.STOPPED

    async def end(self) -> None:
        """End all jobs. Called once, while the journal is still open."""
        for job in self._jobs.values():
            self.stop(job)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _make_room(self) -> None:
        for id in [id for id, job in self._jobs.items() if job.over or job.phase is Phase.ASKED]:
            if len(self._jobs) < _MOST_JOBS:
                return
            self.stop(self._jobs.pop(id))
        if len(self._jobs) >= _MOST_JOBS:
            raise JackfieldError(f"{_MOST_JOBS} such jobs are under way already; wait for one to end, or stop one")

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gather(self, job: Job, query: Query) -> None:
        found: list[str] = []
        try:
            while job.phase is Phase.GATHERING:
                page = await self._journal.search(query)
                found += [run.id for run in page.runs]
                job.runs = found[:MOST_RUNS]
                if page.cursor is None or len(found) > MOST_RUNS:
                    job.more = len(found) > MOST_RUNS
                    job.phase = Phase.ASKED
                    return
                query = replace(query, cursor=page.cursor)
        except JackfieldError as error:
            job.fault, job.phase = str(error), Phase.STOPPED

    async def _carry_out(self, job: Job) -> None:
        async with self._turn:
            for start in range(0, len(job.runs), _AT_ONCE):
                if job.phase is not Phase.RUNNING:
                    break
                await asyncio.gather(*(self._one(job, run) for run in job.runs[start : start + _AT_ONCE]))
            if job.phase is Phase.RUNNING:
                job.phase = Phase.DONE
        log = structlog.get_logger().bind(deed=job.order.deed.value, by=job.asked_by)
        log.info("done to many runs", runs=len(job.runs), done=job.done, failed=job.failed)

    async def _one(self, job: Job, run: str) -> None:
        try:
            await self._do(job.order, run)
        except JackfieldError as error:
            job.failed += 1
            if len(job.failures) < SHOWN_FAILURES:
                job.failures.append((run, str(error)))
        else:
            job.done += 1

    async def _do(self, order: Order, run: str) -> None:
        if order.deed is Deed.CANCEL and not await self._journal.cancel(run):
            raise JackfieldError("it is settled already, or gone")
        if order.deed is Deed.RETRY and not await self._journal.retry_now(run):
            raise JackfieldError("it does not wait for another attempt any more")
        if order.deed is Deed.REPLAY:
            step = await self._failed_step(run) if order.from_failed else None
            await self._operations.replay(run, from_step=step, on=order.on)

    async def _failed_step(self, run: str) -> str:
        view = await self._journal.run(run)
        if view is None:
            raise UnknownRun(f"there is no run {run}")
        failed = [attempt.step for attempt in view.attempts if attempt.outcome is Outcome.FAILED]
        if not failed:
            raise JackfieldError("no step of it has failed; replay it as a whole")
        return failed[-1]
