"""Keeps the text index up to date, in a thread of its own that gives way to everything else."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import Final

from jackfield.errors import JournalUnavailable
from jackfield.journal.sqlite.file.readers import Readers
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.search.terms import indexed_text, text_of
from jackfield.journal.sqlite.search.text_index import index_path, last_indexed, open_index, remove_index, take_in

_BATCH: Final = 50
_BATCH_CHARACTERS: Final = 200_000
_REST: Final = 4
"""How many times as long as it works the thread rests, unless somebody waits for the index."""

_IDLE: Final = 0.5
_BUSY: Final = 0.5
_AFTER_FAULT: Final = 5.0

_EVENTS: Final = "SELECT seq, id, label, event FROM run JOIN payload USING (seq) WHERE seq > ? ORDER BY seq LIMIT ?"
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'"


class Indexer:
    """Takes runs into the text index, oldest first, a few at a time."""

    def __init__(self, journal: Path, writer: Writer, readers: Readers) -> None:
        self._readers = readers
        self._path = index_path(journal)
        self._writer = writer
        self._waiting: list[asyncio.Future[None]] = []
        self._hurry = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, name="jackfield-journal-index", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread, after the batch at hand."""
        self._stopping = True
        self._hurry.set()
        await self._ended
        self._thread.join()

    async def complete(self) -> None:
        """Return when every run is in the index, or the thread has ended. The thread makes haste meanwhile."""
        if self._ended.done():
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        self._hurry.set()
        await future

    def _main(self) -> None:
        try:
            while not self._stopping:
                self._keep_up()
        finally:
            self._on_loop(self._end)

    def _end(self) -> None:
        self._ended.set_result(None)
        self._release(tuple(self._waiting))

    def _keep_up(self) -> None:
        try:
            self._follow()
        except (
            sqlite3.OperationalError,
            OSError,
            JournalUnavailable,
        ):  # locked, or the disk is full: it may be better later
            self._hurry.wait(_AFTER_FAULT)
        except sqlite3.DatabaseError:
            remove_index(self._path)

    def _follow(self) -> None:
        with self._readers.connection() as journal:
            opened = _index_of(journal, self._path)
        with closing(opened) as index:
            while not self._stopping and self._path.exists():  # else somebody deleted it: it is made anew
                began, waiting = monotonic(), tuple(self._waiting)
                with self._readers.connection() as journal:
                    advanced = _advance(journal, index)
                if advanced:
                    self._hurry.wait(_BUSY if self._writer.busy else _REST * (monotonic() - began))
                else:
                    self._on_loop(self._release, waiting)
                    self._hurry.wait(_IDLE)

    def _release(self, waiting: Sequence[asyncio.Future[None]]) -> None:
        for future in waiting:
            if not future.done():
                future.set_result(None)
        self._waiting = [future for future in self._waiting if not future.done()]
        if not self._waiting and not self._stopping:
            self._hurry.clear()

    def _on_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            self._loop.call_soon_threadsafe(callback, *arguments)


def _advance(journal: sqlite3.Connection, index: sqlite3.Connection) -> bool:
    """Take in the next few runs; False if there are none."""
    last = last_indexed(index)
    texts: list[tuple[int, str]] = []
    characters = 0
    for seq, run, label, event in journal.execute(_EVENTS, (last[0], _BATCH)):
        texts.append((seq, indexed_text(text_of(run, label, event))))
        last = (seq, run)
        characters += len(event)
        if characters > _BATCH_CHARACTERS:
            break
    if texts:
        take_in(index, texts, last)
    return bool(texts)


def _index_of(journal: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Open the index; one that is left over from another journal is made anew."""
    index = open_index(path)
    try:
        if _belongs_to(journal, *last_indexed(index)):
            return index
    except BaseException:
        index.close()
        raise
    index.close()
    remove_index(path)
    return open_index(path)


def _belongs_to(journal: sqlite3.Connection, seq: int, run: str) -> bool:
    row = journal.execute("SELECT id FROM run WHERE seq = ?", (seq,)).fetchone()
    newest: int = journal.execute(_NEWEST).fetchone()[0]
    return seq <= newest and (row is None or row[0] == run)
