"""The one thread that writes, many operations to a transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from jackfield.errors import JournalError, JournalUnavailable
from jackfield.journal.sqlite.file.errors import unavailable
from jackfield.journal.sqlite.file.rescue import TRY_EVERY, Guard
from jackfield.journal.sqlite.file.schema import open_journal

ResultT = TypeVar("ResultT")

Transaction: TypeAlias = Callable[[sqlite3.Connection], ResultT]
"""What is done inside a transaction. It may be undone and called once more, so it touches nothing but the file."""

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Shared(Generic[ItemT, ResultT]):
    """An operation that is done once for all who wait for it.

    `function` returns a result for each item. The fewer statements there are, the less often the writer's thread and
    the event loop wait for each other's interpreter lock, which SQLite takes and gives back around every one.
    """

    function: Callable[[sqlite3.Connection, Sequence[ItemT]], Sequence[ResultT]]
    item: ItemT

    def __call__(self, connection: sqlite3.Connection) -> ResultT:
        """Do it for this item alone."""
        return self.function(connection, [self.item])[0]


_LARGEST_BATCH: Final = 500
_CROWD: Final = 4
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0)


class _Job(NamedTuple):
    operation: Transaction[Any]
    future: asyncio.Future[Any]
    then: Callable[[Any], object] | None


class _Outcome(NamedTuple):
    job: _Job
    result: Any
    error: Exception | None


class Writer:
    """Takes operations from the event loop and commits all that are waiting in one transaction (group commit).

    An operation that raises fails alone: the others of its batch are committed without it. What is committed to files
    that were taken away counts only when the journal has been written out again; `restored` is called then.
    """

    def __init__(self, path: Path, guard: Guard, restored: Callable[[], object] = lambda: None) -> None:
        self._path = path
        self._guard = guard
        self._restored = restored
        self._connection: sqlite3.Connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._batch: Sequence[_Job] = ()
        self._closed = f"{path}: the journal is not open"
        """Why no operation is taken; empty as long as one is."""
        self._ending = False
        self._stuck = 0

    @property
    def busy(self) -> bool:
        """Whether many are writing; work that can wait should."""
        return len(self._batch) >= _CROWD

    @property
    def stuck(self) -> bool:
        """Whether something that must be written cannot be written at the moment."""
        return self._stuck > 0

    @property
    def lost(self) -> JournalUnavailable | None:
        """Why nothing can be written: the files are not those that were opened; None if they are."""
        return self._guard.lost

    async def open(self) -> None:
        """Start the thread and open the file, or raise `JournalUnavailable`."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, args=(opened,), name="jackfield-journal", daemon=True)
        self._closed = ""
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Write what is waiting, then end the thread."""
        if not self._closed:
            self._closed = f"{self._path}: the journal is closed"
            self._jobs.put(None)
            await self._ended
            self._thread.join()

    def submit(
        self, operation: Transaction[ResultT], then: Callable[[ResultT], object] | None = None
    ) -> asyncio.Future[ResultT]:
        """Have an operation done; the future is its result once that is on disk.

        `then` is called on the event loop when it is, whether or not anybody still waits for the future.
        """
        if self._closed:
            raise JournalUnavailable(self._closed)
        if (lost := self._guard.lost) is not None:
            raise type(lost)(str(lost))
        future: asyncio.Future[ResultT] = self._loop.create_future()
        self._jobs.put(_Job(operation, future, then))
        return future

    async def submit_until_written(self, operation: Transaction[ResultT]) -> ResultT:
        """Have an operation done, however long it takes until the journal is available."""
        try:
            return await self.submit(operation)
        except JournalUnavailable:
            if self._closed:
                raise
        self._stuck += 1
        try:
            for pause in _growing_pauses():
                await asyncio.sleep(pause)
                with suppress(JournalUnavailable):
                    return await self.submit(operation)
                if self._closed:
                    break
        finally:
            self._stuck -= 1
        raise JournalUnavailable(self._closed)

    def _main(self, opened: asyncio.Future[None]) -> None:
        fault: JournalUnavailable | None = None
        try:
            self._connection = open_journal(self._path)
            try:
                self._on_loop(opened.set_result, None)
                self._serve()
            finally:
                self._connection.close()
        except JournalUnavailable as error:
            fault = error
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may wait for a thread that has ended
            fault = JournalUnavailable(
                f"{self._path}: nothing can be written any more, because of a fault in Jackfield itself "
                f"({type(error).__name__}: {error}); start it again, and report the fault"
            )
            fault.__cause__ = error
        self._on_loop(self._end, opened, fault)

    def _serve(self) -> None:
        while not self._ending:
            try:
                job = self._jobs.get(timeout=TRY_EVERY if self._guard.lost else None)
            except Empty:
                self._see_to_files()
                continue
            if job is None:
                break
            self._batch = [job, *self._waiting()]
            self._on_loop(_resolve, self._write_safely(self._batch))
        self._connection = self._guard.leave(self._connection)
        if self._guard.lost is None:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _write_safely(self, batch: Sequence[_Job]) -> list[_Outcome]:
        """Write to files that are the journal's before and after."""
        if (lost := self._see_to_files()) is not None:
            return [_Outcome(job, None, lost) for job in batch]
        outcomes = self._write(self._connection, batch)
        for outcome in outcomes:
            self._guard.note(outcome.error)
        if (lost := self._see_to_files()) is not None:
            return [outcome._replace(result=None, error=outcome.error or lost) for outcome in outcomes]
        return outcomes

    def _see_to_files(self) -> JournalUnavailable | None:
        """Have the journal written out again if its files were taken away; return why it cannot be written."""
        before = self._connection
        self._connection = self._guard.see(before)
        if self._connection is not before:
            self._on_loop(self._restored)
        return self._guard.lost

    def _end(self, opened: asyncio.Future[None], fault: JournalUnavailable | None) -> None:
        """Tell everybody who still waits, or comes later, what the thread has ended over."""
        if fault is not None:
            self._closed = str(fault)
            for future in (opened, *(job.future for job in (*self._batch, *self._left()))):
                if not future.done():
                    future.set_exception(fault)
        self._ended.set_result(None)

    def _left(self) -> Iterator[_Job]:
        with suppress(Empty):
            while True:
                if (job := self._jobs.get_nowait()) is not None:
                    yield job

    def _waiting(self) -> list[_Job]:
        jobs: list[_Job] = []
        with suppress(Empty):
            while len(jobs) < _LARGEST_BATCH:
                job = self._jobs.get_nowait()
                if job is None:
                    self._ending = True
                    break
                jobs.append(job)
        return jobs

    def _write(self, connection: sqlite3.Connection, batch: Sequence[_Job]) -> list[_Outcome]:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            # Whoever came during the wait for the lock is not made to wait for it a second time.
            return [_Outcome(job, None, unavailable(self._path, error)) for job in (*batch, *self._waiting())]
        try:
            outcomes = list(_carry_out(connection, batch))
            connection.execute("COMMIT")
        except Exception:  # noqa: BLE001 - found again below, with the operation that raises it
            _roll_back(connection)
            return [self._write_alone(connection, job) for job in batch]
        return outcomes

    def _write_alone(self, connection: sqlite3.Connection, job: _Job) -> _Outcome:
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = job.operation(connection)
            connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            _roll_back(connection)
            return _Outcome(job, None, JournalError(f"{self._path}: what is to be written contradicts itself: {error}"))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            _roll_back(connection)
            return _Outcome(job, None, unavailable(self._path, error))
        except Exception as error:  # noqa: BLE001 - whatever an operation raises is for whoever asked for it
            _roll_back(connection)
            return _Outcome(job, None, error)
        return _Outcome(job, result, None)

    def _on_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            self._loop.call_soon_threadsafe(callback, *arguments)


def _carry_out(connection: sqlite3.Connection, batch: Sequence[_Job]) -> Iterator[_Outcome]:
    """Do the operations of a batch, the shared ones first; none of them came before another was done."""
    shared: dict[Callable[..., Sequence[Any]], list[tuple[_Job, Any]]] = {}
    for job in batch:
        if isinstance(job.operation, Shared):
            shared.setdefault(job.operation.function, []).append((job, job.operation.item))
    for function, asked in shared.items():
        results = function(connection, [item for _, item in asked])
        yield from (_Outcome(job, result, None) for (job, _), result in zip(asked, results, strict=True))
    for job in batch:
        if not isinstance(job.operation, Shared):
            yield _Outcome(job, job.operation(connection), None)


def _growing_pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    for job, result, error in outcomes:
        if error is None and job.then is not None:
            job.then(result)
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
