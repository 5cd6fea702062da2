"""Keeps the text index up to date, in a thread of its own that gives way to everything else."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

from jackfield.journal.sqlite.encoding import load
from jackfield.journal.sqlite.schema import open_reader
from jackfield.journal.sqlite.textindex import index_path, last_indexed, open_index, readable, remove_index, take_in
from jackfield.journal.sqlite.writer import Writer

_BATCH: Final = 50
_BATCH_CHARACTERS: Final = 200_000
_REST: Final = 4
"""How many times as long as it works the thread rests, unless somebody waits for the index."""

_IDLE: Final = 0.5
_BUSY: Final = 0.5
_AFTER_FAULT: Final = 5.0

_EVENTS: Final = "SELECT seq, id, event FROM run JOIN payload USING (seq) WHERE seq > ? ORDER BY seq LIMIT ?"
_NEWEST: Final = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'"


class Indexer:
    """Takes runs into the text index, oldest first, a few at a time."""

    def __init__(self, journal: Path, writer: Writer) -> None:
        self._journal = journal
        self._path = index_path(journal)
        self._writer = writer
        self._changed = threading.Condition()
        self._stopping = False
        self._reached = 0
        self._wanted = 0
        self._thread = threading.Thread(target=self._main, name="jackfield-journal-index", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the batch at hand; return when the thread has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def wait_until(self, seq: int) -> None:
        """Return when the run with this number is in the index, or the thread has ended. It makes haste meanwhile."""
        with self._changed:
            self._wanted = max(self._wanted, seq)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._reached >= seq or self._stopping)

    def _main(self) -> None:
        while not self._stopping:
            try:
                self._follow()
            except (sqlite3.OperationalError, OSError):  # locked, or the disk is full: it may be better later
                self._rest(_AFTER_FAULT)
            except sqlite3.DatabaseError:
                remove_index(self._path)

    def _follow(self) -> None:
        with closing(open_reader(self._journal)) as journal, closing(_index_of(journal, self._path)) as index:
            while not self._stopping:
                began = monotonic()
                if self._advance(journal, index):
                    self._rest(_BUSY if self._writer.busy else _REST * (monotonic() - began))
                else:
                    self._rest(_IDLE)

    def _advance(self, journal: sqlite3.Connection, index: sqlite3.Connection) -> bool:
        wanted = self._wanted
        reached, _ = last = last_indexed(index)
        texts: list[tuple[int, str]] = []
        room = _BATCH_CHARACTERS
        for seq, run, event in journal.execute(_EVENTS, (reached, _BATCH)).fetchall():
            text = readable(run, load(event))
            texts.append((seq, text))
            last = (seq, run)
            room -= len(text)
            if room < 0:
                break
        if texts:
            take_in(index, texts, last)
        with self._changed:
            self._reached = last[0] if texts else max(last[0], wanted)
            self._changed.notify_all()
        return bool(texts)

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._wanted > self._reached, seconds)


def _index_of(journal: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Open the index; one that is left over from another journal is made anew."""
    index = open_index(path)
    seq, run = last_indexed(index)
    row = journal.execute("SELECT id FROM run WHERE seq = ?", (seq,)).fetchone()
    newest: int = journal.execute(_NEWEST).fetchone()[0]
    if seq <= newest and (row is None or row[0] == run):
        return index
    index.close()
    remove_index(path)
    return open_index(path)
