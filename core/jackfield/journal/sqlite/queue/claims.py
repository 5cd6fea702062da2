"""A run in the hands of a worker."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic

from jackfield.components.values import Event
from jackfield.errors import LeaseLost
from jackfield.journal.records import COMPLETED, NO_DEATHS, Attempt, Deaths, Failed, Outcome, StepRecord
from jackfield.journal.sqlite.file.encoding import attempt_row, microseconds
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.queue.flight import Flight, FlightRecorder
from jackfield.journal.sqlite.queue.transitions import checkpoint


@dataclass(slots=True, eq=False)
class SqliteClaim:
    """One run that is in memory: it waits for its turn in a lane, then it is leased to the handler."""

    writer: Writer
    seq: int
    run: str
    root: str
    pipeline: str
    version: str
    received_at: datetime
    event: Event
    order_key: str | None = None
    replay_of: str | None = None
    pinned: bool = False
    attempt: int = 1
    deaths: Deaths = NO_DEATHS
    done: list[StepRecord] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: float = 0.0
    """When the handler got it, by the monotonic clock."""
    _recorder: FlightRecorder | None = None
    _slot: int = 0

    @property
    def background(self) -> bool:
        """Whether it can wait for events that come in: it is a replay, or was tried before, and no suspect."""
        return (self.replay_of is not None or self.attempt > 1) and not self.deaths.count

    def take_off(self, recorder: FlightRecorder) -> None:
        """Have the recorder note what the handler does with it, until `land()`."""
        self._recorder, self._slot = recorder, recorder.take_off()

    def land(self) -> None:
        """The handler is done with it."""
        if self._recorder is not None:
            self._recorder.land(self._slot)
            self._recorder = None

    def begin(self, step: str, index: int, at: datetime) -> None:
        """Note that an attempt begins: see the port."""
        if self._recorder is not None:
            self._recorder.note(self._slot, Flight(self.seq, self.run, step, index, self.attempt, microseconds(at)))

    def executing(self, now: bool) -> None:  # noqa: FBT001 - as in the port
        """Note whose code is on the stack: see the port."""
        if self._recorder is not None:
            self._recorder.mark(self._slot if now else 0)

    async def checkpoint(self, attempt: Attempt, *, version: str) -> None:
        """Write a completed step down; as long as the journal is unavailable, wait for it."""
        row = attempt_row(attempt)
        if not await self.writer.submit_until_written(partial(checkpoint, seq=self.seq, attempt=row, version=version)):
            self.lost.set()
            raise LeaseLost(
                f"run {self.run} was cancelled; the step {attempt.step!r} that it had done is not written down"
            )
        self.version, self.pinned, self.attempt, self.deaths = version, True, 1, NO_DEATHS
        if attempt.outcome in COMPLETED:
            self.done.append(StepRecord(attempt.index, attempt.step, attempt.result, attempt.masked))

    def fault(self, error: BaseException, now: datetime) -> Failed:
        """Say that the handler raised something, which is a fault of its own."""
        reason = f"the handler raised {type(error).__name__}: {error}"
        attempt = Attempt(
            index=len(self.done),
            step="(handler)",
            number=self.attempt,
            started_at=now,
            elapsed_ms=(monotonic() - self.started_at) * 1000,
            outcome=Outcome.FAILED,
            error=reason,
            traceback="".join(traceback.format_exception(error)),
            version=self.version,
        )
        return Failed(reason, attempt)
