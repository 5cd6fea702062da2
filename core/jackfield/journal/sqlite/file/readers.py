"""The threads that read, each on a connection of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from jackfield.errors import JournalDamaged, JournalError, JournalLost, JournalUnavailable
from jackfield.journal.sqlite.file.errors import damaged, explained
from jackfield.journal.sqlite.file.schema import open_reader

ResultT = TypeVar("ResultT")

_THREADS: Final = 3
_PATIENCE: Final = 4.0
"""Seconds that a query waits while no connection may be open."""


class Readers:
    """Runs queries beside the event loop and beside the writer; neither waits for them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="jackfield-journal-reader")
        self._connections: dict[int, sqlite3.Connection] = {}
        """The connection of each thread."""
        self._reading = 0
        self._halted = False
        self._gate = threading.Condition()
        self._generation = 0
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False
        self.barred: JournalUnavailable | None = None
        """Why no further connection is opened: the file's name does not lead to the journal."""
        self.talks = False
        """Whether damage is to be told in the log: a command has its own way."""
        self.damage: JournalDamaged | None = None
        """What was found first, since the journal was opened, of damage in the file."""

    async def read(self, query: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Return what `query` finds. It is called in a thread, on one state of the file."""
        if self._closed:
            raise JournalUnavailable(f"{self._path}: the journal is closed")
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await future

    async def changes(self) -> int:
        """Return SQLite's count of what others have written, of one connection: each counts by itself."""
        with explained(self._path), self.connection(patience=0) as connection:
            version: int = connection.execute("PRAGMA data_version").fetchone()[0]
            return (self._generation << 32) + version

    async def close(self) -> None:
        """Wait for the queries that are running, and close the connections."""
        self._closed = True
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown()
        self._close_all()

    @contextmanager
    def connection(self, patience: float = _PATIENCE) -> Iterator[sqlite3.Connection]:
        """Lend this thread its connection. It is another one when the file has been made anew meanwhile."""
        with self._gate:
            if not self._gate.wait_for(lambda: not self._halted, patience):
                raise JournalUnavailable(f"{self._path}: it is being written out again; try again in a moment")
            self._reading += 1
            connection = self._connections.get(threading.get_ident())
        try:
            yield connection or self._connect()
        finally:
            with self._gate:
                self._reading -= 1
                self._gate.notify_all()

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Break off what is being read, and have no connection open until the block ends."""
        with self._gate:
            self._halted = True
            while self._reading:
                for connection in self._connections.values():
                    connection.interrupt()
                self._gate.wait(0.05)
        try:
            self._close_all()
            yield
        finally:
            with self._gate:
                self._halted = False
                self._generation += 1
                self._gate.notify_all()

    def _connect(self) -> sqlite3.Connection:
        if self.barred is not None:
            raise type(self.barred)(str(self.barred))
        if not self._path.exists():
            raise JournalLost(f"{self._path}: it is gone; stop the host, and put back a copy")
        connection = open_reader(self._path)
        with self._gate:
            self._connections[threading.get_ident()] = connection
        return connection

    def _close_all(self) -> None:
        while self._connections:
            self._connections.popitem()[1].close()

    def note(self, damage: JournalDamaged) -> None:
        """Remember that the file is damaged; a host says so in the log, once."""
        if self.damage is None:
            self.damage = damage
        if self.talks:
            self.talks = False
            structlog.get_logger().critical("the journal is damaged", problem=str(damage))

    def note_damage(self) -> None:
        """Remember that a row was found that is not what was written."""
        self.note(damaged(self._path))

    def _read(self, query: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        try:
            return self._read_once(query)
        except JournalDamaged as error:
            self.note(error)
            raise

    def _read_once(self, query: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        with explained(self._path), self.connection() as connection:
            connection.execute("BEGIN")
            try:
                return query(connection)
            except (JournalError, sqlite3.Error, OSError):
                raise
            except (ValueError, TypeError, KeyError, IndexError) as error:  # a row is there, but says what no row says
                raise damaged(self._path) from error
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")
