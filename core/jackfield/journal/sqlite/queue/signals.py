"""Tells the dispatcher, as long as this process has one, of what was written that it has to know."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.journal.records import ModeRecord, NewRun
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.queue.claims import SqliteClaim
from jackfield.journal.sqlite.queue.dispatcher import Dispatcher
from jackfield.journal.sqlite.queue.transitions import Cancelled
from jackfield.journal.sqlite.tables.insert_runs import Inserted, RunRow


class Signals:
    """What the journal calls once a transaction is on disk; without a dispatcher nobody listens."""

    def __init__(self) -> None:
        self.dispatcher: Dispatcher | None = None

    def wake(self) -> None:
        """Say that runs may be due."""
        if self.dispatcher is not None:
            self.dispatcher.wake()

    def offer(self, writer: Writer, runs: Sequence[NewRun], drafts: Sequence[RunRow], rows: Sequence[Inserted]) -> None:
        """Hand over runs that have just come in, but for duplicates and those that have to wait for others."""
        if self.dispatcher is None:
            return
        for new, draft, row in zip(runs, drafts, rows, strict=True):
            if row.duplicate_of is None and not row.blocked:
                self.dispatcher.offer(
                    SqliteClaim(
                        writer=writer,
                        seq=row.seq,
                        run=new.id,
                        root=new.id,
                        pipeline=new.pipeline,
                        version=new.version,
                        received_at=new.received_at,
                        event=new.event,
                        order_key=draft.order_key,
                    )
                )

    def look_at_all(self) -> None:
        """Say that the file is another one."""
        if self.dispatcher is not None:
            self.dispatcher.look_at_all()

    def look(self, pipeline: str | None) -> None:
        """Say that a pipeline has a run that may start."""
        if self.dispatcher is not None and pipeline is not None:
            self.dispatcher.look(pipeline)

    def drop(self, cancelled: Cancelled | None) -> None:
        """Say that a run was cancelled."""
        if self.dispatcher is not None and cancelled is not None:
            self.dispatcher.drop(cancelled.pipeline, cancelled.seq)

    def heed(self, pipeline: str, record: ModeRecord, _: object) -> None:
        """Say that a pipeline has a new mode."""
        if self.dispatcher is not None:
            self.dispatcher.set_mode(pipeline, record)
