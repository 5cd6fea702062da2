"""The journal's port, kept in one SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from jackfield.clock import utc_now
from jackfield.errors import JournalDamaged, JournalUnavailable
from jackfield.journal.audit import AuditCheck, AuditEntry, AuditQuery, NewAuditEntry
from jackfield.journal.protocol import Handler
from jackfield.journal.records import (
    Accepted,
    Limits,
    Mode,
    ModeRecord,
    NewRun,
    Refusal,
    Replay,
    Retention,
    SetAside,
    Version,
)
from jackfield.journal.sqlite.file.lock import working_alone
from jackfield.journal.sqlite.file.readers import Readers
from jackfield.journal.sqlite.file.rescue import Guard
from jackfield.journal.sqlite.file.schema import rewrite_header
from jackfield.journal.sqlite.file.writer import Shared, Writer
from jackfield.journal.sqlite.queue.dispatcher import Dispatcher
from jackfield.journal.sqlite.queue.flight import FlightRecorder
from jackfield.journal.sqlite.queue.pace import Pace
from jackfield.journal.sqlite.queue.signals import Signals
from jackfield.journal.sqlite.queue.transitions import cancel, retry_now
from jackfield.journal.sqlite.recovery.integrity import look_for_damage
from jackfield.journal.sqlite.retention import Cleaner
from jackfield.journal.sqlite.search.indexer import Indexer
from jackfield.journal.sqlite.search.query import search_runs
from jackfield.journal.sqlite.search.text_index import index_path
from jackfield.journal.sqlite.tables.audit import check_chain, has_content, insert_entry, list_entries, prune_entries
from jackfield.journal.sqlite.tables.insert_replay import insert_replay
from jackfield.journal.sqlite.tables.insert_runs import Call, encode_run, insert_calls
from jackfield.journal.sqlite.tables.pipelines import find_version, keep_version, list_versions, read_modes, set_mode
from jackfield.journal.sqlite.tables.refusals import find_refusal, insert_refusal, list_refusals, refusal_row
from jackfield.journal.sqlite.tables.repairs import glance, set_aside
from jackfield.journal.sqlite.tables.runs import (
    count_runs,
    latest_runs,
    list_duplicates,
    list_runs,
    measure_backlog,
    view_run,
)
from jackfield.journal.sqlite.tables.step_counts import list_standings
from jackfield.journal.views import Backlog, Count, DuplicateEntry, Glance, KeptVersion, Page, Query, RunView, StepCount


class SqliteJournal:
    """A journal in one file. `now` is the clock that says what is due and when runs end.

    Several processes may have it open, but only one of them may `work()`; what the others put into it, the one that
    works finds within a second. Beside the file are SQLite's own two (`-wal`, `-shm`), the lock of the host that works
    (`.lock`) and the text index (`-search.db`), which may be deleted: it is made anew.
    """

    shared: ClassVar[bool] = False

    def __init__(self, path: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._now = now
        self._readers = Readers(path)
        self._guard = Guard(path, self._readers)
        self._signals = Signals()
        self.writer = Writer(path, self._guard, self._signals.look_at_all)
        self._cleaner = Cleaner(path, self.writer, self._readers)
        self._pace = Pace()
        self._indexer: Indexer | None = None

    async def open(self) -> None:
        """Open the file, or make it. Raises `JournalUnavailable` if that cannot be."""
        await self.writer.open()

    async def close(self) -> None:
        """Finish what is being written and read; no thread is left behind."""
        await self.writer.close()
        await self._readers.close()
        self._guard.close()

    async def check(self) -> None:
        """Find out whether the file can be written."""
        await self.writer.submit(rewrite_header)

    def trouble(self) -> JournalUnavailable | None:
        """Say what is wrong with the file, as far as anybody has come upon it."""
        return self.writer.lost or self._readers.damage

    async def inspect(self, *, whole: bool = False) -> list[str]:
        """Look for damage in the file: see the port. What is found is remembered."""
        try:
            found = await self._readers.read(partial(look_for_damage, whole=whole))
        except JournalDamaged as error:
            return [str(error)]
        if found:
            self._readers.note_damage()
        return found

    async def accept(self, runs: Sequence[NewRun], *, refusal: str | None = None) -> list[Accepted]:
        """Take events over: see the port."""
        self._pace.arrived(len(runs))
        drafts = [encode_run(run) for run in runs]
        insert = Shared(insert_calls, Call(drafts, refusal))
        inserted = await self.writer.submit(insert, partial(self._signals.offer, self.writer, runs, drafts))
        return [Accepted(run.id, row.duplicate_of) for run, row in zip(runs, inserted, strict=True)]

    @property
    def rest(self) -> float:
        """How many seconds work that can wait should rest for each run: see the port."""
        return self._pace.rest

    async def refuse(self, refusal: Refusal) -> None:
        """Write down a request that was turned away; of each pipeline and status the newest 10,000 are kept."""
        await self.writer.submit(partial(insert_refusal, row=refusal_row(refusal)))

    async def refusals(self, pipeline: str | None = None, limit: int = 50, before: str | None = None) -> list[Refusal]:
        """List requests that were turned away, newest first."""
        return await self._readers.read(partial(list_refusals, pipeline=pipeline, limit=limit, before=before))

    async def refusal(self, refusal: str) -> Refusal | None:
        """Find one of them."""
        return await self._readers.read(partial(find_refusal, refusal=refusal))

    async def work(
        self, handler: Handler, limits: Callable[[str], Limits | None], stop: asyncio.Event, grace: float
    ) -> None:
        """Hand runs to the handler until `stop`: see the port. Raises `JournalUnavailable` if another host does."""
        with working_alone(self._path):
            self._indexer = Indexer(self._path, self.writer, self._readers)
            dispatcher = self._signals.dispatcher = Dispatcher(
                self.writer,
                self._readers,
                self._now,
                handler,
                limits,
                recorder=FlightRecorder(self._path),
                pace=self._pace,
            )
            self._indexer.start()
            try:
                await self.writer.submit(lambda _: self._guard.arm())
                self._readers.talks = True
                await dispatcher.run(stop, grace)
            finally:
                await self._indexer.stop()
                self._signals.dispatcher = self._indexer = None
                with suppress(JournalUnavailable):
                    await self.writer.submit(lambda _: self._guard.disarm())

    async def wake(self) -> None:
        """Look for runs that may start now."""
        self._signals.wake()

    async def indexed(self) -> None:
        """Return when the text index has taken in every run; it makes haste as long as somebody waits."""
        if self._indexer is None:
            raise JournalUnavailable(f"{self._path}: only the host that works on the journal keeps its text index")
        await self._indexer.complete()

    async def replay(self, run: str, replay: Replay, *, id: str, at: datetime) -> str:
        """Make a new run out of an old one: see the port. It came in at `at`; it is never a duplicate."""
        await self.writer.submit(partial(insert_replay, origin=run, replay=replay, id=id, at=at), self._signals.look)
        return id

    async def cancel(self, run: str) -> bool:
        """End a run that is not settled."""
        return await self.writer.submit(partial(cancel, run=run, at=self._now()), self._signals.drop) is not None

    async def set_aside(self, run: str, word: SetAside | None) -> bool:
        """Set a failed run aside, or take that back."""
        return await self.writer.submit(partial(set_aside, run=run, word=word))

    async def retry_now(self, run: str) -> bool:
        """Make a waiting run due."""
        return await self.writer.submit(partial(retry_now, run=run), self._signals.look) is not None

    async def run(self, id: str) -> RunView | None:
        """Show one run with all that happened to it."""
        return await self._readers.read(partial(view_run, run=id))

    async def glance(self, runs: Sequence[str]) -> list[Glance]:
        """Say in short how runs are."""
        return await self._readers.read(partial(glance, runs=runs))

    async def search(self, query: Query) -> Page:
        """List runs, newest first. With a text a page looks at some thousands at most, and may be empty."""
        text = (query.text or "").strip()
        if not text:
            return await self._readers.read(partial(list_runs, query=query))
        return await self._readers.read(partial(search_runs, index=index_path(self._path), query=query, text=text))

    async def duplicates(
        self, pipeline: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[DuplicateEntry]:
        """List events that were taken for those of earlier runs, newest first."""
        return await self._readers.read(partial(list_duplicates, pipeline=pipeline, limit=limit, before=before))

    async def counts(self, since: datetime, pipeline: str | None = None) -> list[Count]:
        """Count the runs that came in since then."""
        return await self._readers.read(partial(count_runs, since=since, pipeline=pipeline))

    async def standings(self, pipeline: str, since: datetime) -> list[StepCount]:
        """Say how far runs have come; of each state but `succeeded` the newest 5,000 are looked at."""
        return await self._readers.read(partial(list_standings, pipeline=pipeline, since=since))

    async def latest(self) -> Mapping[str, datetime]:
        """Say when the newest run of each pipeline came in."""
        return await self._readers.read(latest_runs)

    async def changes(self) -> int:
        """See `Journal`."""
        return await self._readers.changes()

    async def backlog(self) -> Backlog:
        """Say what is still to be done."""
        return await self._readers.read(measure_backlog)

    async def prune(self, policy: Retention, now: datetime) -> int:
        """Delete what need not be kept: see the port. A run's age counts from its end."""
        return await self._cleaner.clean(policy, now)

    async def trim(self, size: int) -> int:
        """Delete the oldest that may go, down to the size: see the port."""
        return await self._cleaner.trim(size)

    async def size(self) -> int:
        """Return how many bytes the journal and its text index take up."""
        return await self._cleaner.size()

    async def note(self, entry: NewAuditEntry) -> AuditEntry:
        """Write down in the audit log what somebody did."""
        return await self.writer.submit(partial(insert_entry, entry=entry))

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """List entries of the audit log, newest first."""
        return await self._readers.read(partial(list_entries, query=query))

    async def noted(self, target: str, content: str) -> bool:
        """Tell whether the last entry about a file says that this hash is what it became."""
        return await self._readers.read(partial(has_content, target=target, content=content))

    async def check_audit(self) -> AuditCheck:
        """Look whether somebody has changed the audit log past Jackfield."""
        return await self._readers.read(check_chain)

    async def prune_audit(self, days: int, now: datetime) -> int:
        """Delete entries of the audit log that are too old or too many, some at a time."""
        gone = 0
        while some := await self.writer.submit(partial(prune_entries, keep_days=days, now=now)):
            gone += some
        return gone

    async def keep(self, version: Version) -> None:
        """Keep a pipeline's definition."""
        await self.writer.submit(partial(keep_version, version=version, at=self._now()))

    async def version(self, pipeline: str, version: str) -> Version | None:
        """Return a definition that was kept."""
        return await self._readers.read(partial(find_version, pipeline=pipeline, version=version))

    async def versions(self, pipeline: str) -> list[KeptVersion]:
        """List the definitions of a pipeline."""
        return await self._readers.read(partial(list_versions, pipeline=pipeline))

    async def modes(self) -> Mapping[str, ModeRecord]:
        """Return the modes that were set."""
        return await self._readers.read(read_modes)

    async def set_mode(self, pipeline: str, mode: Mode, *, reason: str, at: datetime) -> None:
        """Set a pipeline's mode."""
        record = ModeRecord(mode, at, reason)
        await self.writer.submit(
            partial(set_mode, pipeline=pipeline, record=record), partial(self._signals.heed, pipeline, record)
        )
