"""The threads that read, each on a connection of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from jackfield.errors import JournalUnavailable
from jackfield.journal.sqlite.faults import explained
from jackfield.journal.sqlite.schema import open_reader

ResultT = TypeVar("ResultT")

_THREADS: Final = 3


class Readers:
    """Runs queries beside the event loop and beside the writer; neither waits for them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="jackfield-journal-reader")
        self._own = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._running: set[asyncio.Future[Any]] = set()
        self._watcher: sqlite3.Connection | None = None
        self._closed = False

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
        with explained(self._path):
            if self._watcher is None:
                self._watcher = open_reader(self._path)
                self._connections.append(self._watcher)
            version: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
        return version

    async def close(self) -> None:
        """Wait for the queries that are running, and close the connections."""
        self._closed = True
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()

    def _read(self, query: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        with explained(self._path):
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = open_reader(self._path)
            self._connections.append(connection)
        return connection
