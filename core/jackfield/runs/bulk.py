"""What an operator does to many runs at once, in the background: replay, cancel, retry now, set aside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from jackfield.errors import JackfieldError, NotFound
from jackfield.journal.protocol import Journal
from jackfield.journal.records import SetAside, State
from jackfield.journal.views import Query
from jackfield.runs.intake import new_id
from jackfield.runs.jobs import MOST_RUNS, Deed, Job, Order, Phase
from jackfield.runs.replay import Replays, has_succeeded, step_to_resume

_MOST_JOBS: Final = 20
_PAGE: Final = 500
_MOST_LOOKS: Final = 5_000
_AT_ONCE: Final = 16
"""So many share a transaction of the journal."""
_A_FEW: Final = 4
"""So many share one while events come in."""


class Bulk:
    """The jobs of one host, the newest few of them. No two jobs are at work at the same time."""

    def __init__(self, journal: Journal, operations: Replays, now: Callable[[], datetime]) -> None:
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

    async def ask(self, order: Order, runs: Sequence[str] | Query, asked_by: str) -> Job:
        """Make a job for these runs, or for those that match now. It does nothing before `start()`.

        Raises `JackfieldError` if too many are under way.
        """
        self._make_room()
        job = Job(new_id(), order, asked_by, self._now(), runs if isinstance(runs, Query) else None)
        self._jobs[job.id] = job
        if isinstance(runs, Query):
            until = min(runs.until or job.asked_at, job.asked_at)
            self._spawn(self._gather(job, replace(runs, until=until, cursor=None, limit=_PAGE, repaired=True)))
        else:
            await self._take_in(job, [*dict.fromkeys(runs)][:MOST_RUNS])
            job.phase = Phase.ASKED
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

    async def follow(self, job: Job) -> None:
        """See how runs that a job has made have ended by now; of very many, the next few thousand are looked at."""
        waiting = [*islice(job.open, _MOST_LOOKS)]
        for start in range(0, len(waiting), _PAGE):
            some = waiting[start : start + _PAGE]
            job.look_at(some, await self._journal.glance(some))

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
        try:
            while job.phase is Phase.GATHERING:
                page = await self._journal.search(query)
                room = MOST_RUNS - len(job.matched)
                await self._take_in(job, [run.id for run in page.runs[:room]])
                job.more = len(page.runs) > room
                if page.cursor is None or job.more:
                    job.found_all()
                    return
                query = replace(query, cursor=page.cursor)
        except JackfieldError as error:
            job.fault, job.phase = str(error), Phase.STOPPED

    async def _take_in(self, job: Job, runs: Sequence[str]) -> None:
        """Add runs to a job, and see which of them somebody has seen to already."""
        job.matched += runs
        for start in range(0, len(runs) if job.order.deed.repairs else 0, _PAGE):
            job.take_in(await self._journal.glance(runs[start : start + _PAGE]))

    async def _carry_out(self, job: Job) -> None:
        async with self._turn:
            runs = job.runs
            start = 0
            while start < len(runs) and job.phase is Phase.RUNNING:
                rest = self._journal.rest
                some = runs[start : start + (_A_FEW if rest else _AT_ONCE)]
                await asyncio.gather(*(self._one(job, run) for run in some))
                start += len(some)
                if rest:
                    await asyncio.sleep(rest * len(some))
            if job.phase is Phase.RUNNING:
                job.phase = Phase.DONE
        log = structlog.get_logger().bind(deed=job.order.deed.value, by=job.asked_by)
        log.info("done to many runs", runs=len(job.runs), done=job.done, failed=job.failed)

    async def _one(self, job: Job, run: str) -> None:
        try:
            made = await self._do(job, run)
        except JackfieldError as error:
            job.failed_with(run, str(error))
        else:
            job.succeeded_with(made)

    async def _do(self, job: Job, run: str) -> Sequence[str]:
        """Do it to one run, and return the new runs that this made."""
        order = job.order
        match order.deed:
            case Deed.CANCEL:
                if not await self._journal.cancel(run):
                    raise JackfieldError("it is settled already, or gone")
            case Deed.RETRY:
                if not await self._journal.retry_now(run):
                    raise JackfieldError("it does not wait for another attempt any more")
            case Deed.SET_ASIDE:
                if not await self._journal.set_aside(run, SetAside(self._now(), job.asked_by, order.note)):
                    raise JackfieldError("it has not failed, or is gone")
            case Deed.REPLAY:
                step = await self._step(run) if order.from_failed else None
                if_standing = not order.repaired
                return await self._operations.replay(run, from_step=step, on=order.on, if_standing=if_standing)
        return []

    async def _step(self, run: str) -> str | None:
        """Find the step that a run failed at; None if a replay may as well begin at the beginning."""
        view = await self._journal.run(run)
        if view is None:
            raise NotFound(f"there is no run {run}")
        step = step_to_resume(view)
        if step is None and (view.summary.state is not State.FAILED or has_succeeded(view)):
            raise JackfieldError("no step of it has failed; replay it as a whole")
        return step
