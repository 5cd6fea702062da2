"""Hands runs to the handler when it is their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final

from jackfield.errors import JournalLost, JournalUnavailable
from jackfield.journal.protocol import Handler
from jackfield.journal.records import Limits, Mode, ModeRecord
from jackfield.journal.sqlite.file.encoding import microseconds, moment
from jackfield.journal.sqlite.file.readers import Readers
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.queue.carrier import Carrier
from jackfield.journal.sqlite.queue.claims import SqliteClaim
from jackfield.journal.sqlite.queue.deaths import Isolation, begin_work
from jackfield.journal.sqlite.queue.flight import FlightRecorder
from jackfield.journal.sqlite.queue.lanes import PipelineQueue
from jackfield.journal.sqlite.queue.pace import Pace
from jackfield.journal.sqlite.queue.startable import (
    Findings,
    Startable,
    cancelled_among,
    give_up,
    load_startable,
    poll_due_runs,
    requeue_running,
    startable_pipelines,
)
from jackfield.journal.sqlite.tables.pipelines import read_modes

_HOUSEKEEPING: Final = 0.25
_NEXT_PAGE: Final = 0.02
"""Seconds until more retries are made due, if there were too many for one transaction."""
_RUNNING_AFTER: Final = 0.5
"""Seconds after which a run that is being handled is marked as running: short ones are spared the write."""

_PATIENCE: Final = 2.0
"""Seconds that a handler is given to end after it was cancelled."""


class Dispatcher:
    """Starts runs, writes down how they end, and looks after what happens without it.

    All of it but the housekeeping works on what is in memory.
    """

    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        now: Callable[[], datetime],
        handler: Handler,
        limits: Callable[[str], Limits | None],
        *,
        recorder: FlightRecorder,
        pace: Pace,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._now = now
        self._limits = limits
        self._recorder = recorder
        self._pace = pace
        self._carrier = Carrier(writer, now, handler, recorder)
        self._isolation = Isolation()
        self._lanes: dict[str, PipelineQueue] = {}
        self._modes: dict[str, ModeRecord] = {}
        self._data_version: int | None = None
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loads: set[asyncio.Task[None]] = set()
        self._starting = False

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Work until `stop`, then let what is running end within `grace` seconds."""
        await self._begin()
        self._starting = True
        stopped = asyncio.create_task(stop.wait())
        house = asyncio.create_task(self._keep_house())
        try:
            await asyncio.wait({stopped, house}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._starting = False
            for task in (stopped, house, *self._loads):
                task.cancel()
            await self._drain(grace)
        with suppress(asyncio.CancelledError):
            await house
        with suppress(JournalUnavailable):
            await self._writer.submit(requeue_running)
        self._recorder.close()

    async def _begin(self) -> None:
        left = self._recorder.open()
        while True:
            try:
                suspects = await self._writer.submit(partial(begin_work, left=left))
                self._modes = await self._readers.read(read_modes)
            except JournalLost:  # until it is written out again
                await asyncio.sleep(_HOUSEKEEPING)
            else:
                break
        self._recorder.clear()
        self._isolation = Isolation(suspects)

    def offer(self, claim: SqliteClaim) -> None:
        """Take over a run that has just been written down."""
        lane = self._lane(claim.pipeline)
        lane.join(claim)
        self._start(lane)

    def look(self, pipeline: str) -> None:
        """Look into the file: it has a run of this pipeline that may start."""
        lane = self._lane(pipeline)
        lane.more = True
        self._start(lane)

    def look_at_all(self) -> None:
        """Look into the file, which is another one: nothing is known of who wrote into it."""
        self._data_version = None
        self._woken.set()

    def drop(self, pipeline: str, seq: int) -> None:
        """Let go of a run that was cancelled."""
        self._lane(pipeline).drop(seq)
        self.look(pipeline)

    def set_mode(self, pipeline: str, record: ModeRecord) -> None:
        """Heed a pipeline's new mode."""
        self._modes = {**self._modes, pipeline: record}
        self._start(self._lane(pipeline))

    def wake(self) -> None:
        """Keep house at once."""
        self._woken.set()

    def _lane(self, pipeline: str) -> PipelineQueue:
        lane = self._lanes.get(pipeline)
        if lane is None:
            lane = self._lanes[pipeline] = PipelineQueue(pipeline)
        return lane

    def _start(self, lane: PipelineQueue) -> None:
        while (lane or lane.more) and self._starting and not self._writer.stuck:
            limits = self._limits(lane.pipeline) if self._runs(lane.pipeline) else None
            if limits is None:
                return
            now = monotonic()
            delay = lane.delay(limits, now)
            if delay == 0.0 and not self._admits(lane):
                break  # whoever is under way, or housekeeping, starts the lane again
            if delay == 0.0 and lane.head.background:
                delay = self._pace.delay(now)
            if delay == 0.0:
                self._carry_out(lane, limits, now)
                continue
            if delay is not None and lane.timer is None:
                loop = asyncio.get_running_loop()
                lane.timer = loop.call_later(delay, self._ring, lane, loop.time() + delay)
            break
        if self._starting and (room := lane.room(pressed=self._pace.pressed)):
            self._spawn(self._loads, self._load(lane, lane.begin_load(), room))

    def _carry_out(self, lane: PipelineQueue, limits: Limits, now: float) -> None:
        claim = lane.take(limits, now)
        if claim.background:
            self._pace.started(now)
        self._spawn(self._tasks, self._carry(lane, claim))

    def _admits(self, lane: PipelineQueue) -> bool:
        isolation = self._isolation
        return not isolation or isolation.admits(lane.head.seq, sum(len(one.handled) for one in self._lanes.values()))

    def _ring(self, lane: PipelineQueue, planned: float) -> None:
        # The handle does not always know its time: uvloop calls soon where the delay is under a millisecond.
        self._pace.woke(max(0.0, asyncio.get_running_loop().time() - planned))
        lane.timer = None
        self._start(lane)

    def _runs(self, pipeline: str) -> bool:
        record = self._modes.get(pipeline)
        return record is None or record.mode is Mode.RUNNING

    def _spawn(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _carry(self, lane: PipelineQueue, claim: SqliteClaim) -> None:
        try:
            try:
                settled = await self._carrier.handle(claim)
            finally:
                self._release(lane, claim)
            if settled is not None:
                self._start(lane)
                released = await self._carrier.settle(claim, settled)
                lane.more = lane.more or released
        finally:
            del lane.known[claim.seq]
            self._start(lane)

    def _release(self, lane: PipelineQueue, claim: SqliteClaim) -> None:
        del lane.handled[claim.seq]
        if self._isolation:
            self._isolation.done(claim.seq)
            for other in list(self._lanes.values()):
                self._start(other)

    async def _load(self, lane: PipelineQueue, known: frozenset[int], room: int) -> None:
        query = partial(load_startable, writer=self._writer, pipeline=lane.pipeline, known=known, room=room)
        loaded = Startable([], complete=False, unreadable=[])
        try:
            loaded = await self._readers.read(query)
        except JournalUnavailable:
            return  # housekeeping tries again
        finally:
            lane.end_load(loaded.claims, complete=loaded.complete)
        self._start(lane)
        if loaded.unreadable:
            self._readers.note_damage()
            now = microseconds(self._now())
            await self._writer.submit_until_written(
                partial(give_up, pipeline=lane.pipeline, runs=loaded.unreadable, at=now)
            )
            self.look(lane.pipeline)

    async def _keep_house(self) -> None:
        while True:
            self._woken.clear()
            pause = _HOUSEKEEPING
            with suppress(JournalUnavailable):
                pause = await self._look_around()
            for lane in list(self._lanes.values()):
                self._start(lane)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _look_around(self) -> float:
        long_ago = monotonic() - _RUNNING_AFTER
        handled = [claim for lane in self._lanes.values() for claim in lane.handled.values()]
        running = [claim.seq for claim in handled if claim.started_at < long_ago]
        now, most = microseconds(self._now()), self._pace.due_at_once()
        findings = await self._writer.submit(partial(poll_due_runs, now=now, most=most, running=running))
        for pipeline in findings.due:
            self.look(pipeline)
        if findings.data_version != self._data_version:
            await self._catch_up(findings.data_version)
        return self._pause(findings)

    def _pause(self, findings: Findings) -> float:
        if findings.next_due is None:
            return _HOUSEKEEPING
        pause = (moment(findings.next_due) - self._now()).total_seconds()
        if pause <= 0:  # there are more
            return _HOUSEKEEPING if self._pace.pressed else _NEXT_PAGE
        return min(_HOUSEKEEPING, pause)

    async def _catch_up(self, data_version: int) -> None:
        """Another process has written: see what it changed."""
        self._data_version = None
        modes = self._modes
        found = await self._readers.read(read_modes)
        overtaken = modes is not self._modes  # this host has just set one, which `found` may lack: look again
        if not overtaken:
            self._modes = found
        known = {seq: lane.pipeline for lane in self._lanes.values() for seq in lane.known}
        for seq in await self._readers.read(partial(cancelled_among, runs=known)):
            self.drop(known[seq], seq)
        for pipeline in await self._readers.read(startable_pipelines):
            self.look(pipeline)
        self._data_version = None if overtaken else data_version

    async def _drain(self, grace: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self._carrier.cutting_off = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_PATIENCE)
