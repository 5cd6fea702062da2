"""A run in the hands of a worker."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic

from jackfield.errors import LeaseLost
from jackfield.journal.records import COMPLETED, Attempt, Failed, Outcome, StepRecord
from jackfield.journal.sqlite.encoding import attempt_row
from jackfield.journal.sqlite.leases import checkpoint
from jackfield.journal.sqlite.writer import Writer
from jackfield.models import Event


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
    done: list[StepRecord] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: float = 0.0
    """When the handler got it, by the monotonic clock."""

    async def checkpoint(self, attempt: Attempt, *, version: str) -> None:
        """Write a completed step down; as long as the journal is unavailable, wait for it."""
        row = attempt_row(attempt)
        if not await self.writer.insist(partial(checkpoint, seq=self.seq, attempt=row, version=version)):
            self.lost.set()
            raise LeaseLost(
                f"run {self.run} was cancelled; the step {attempt.step!r} that it had done is not written down"
            )
        self.version, self.pinned, self.attempt = version, True, 1
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
