"""Deleting what need not be kept, in steps small enough that nobody has to wait for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final

from jackfield.journal.records import SETTLED, Retention
from jackfield.journal.sqlite.encoding import microseconds
from jackfield.journal.sqlite.faults import explained
from jackfield.journal.sqlite.listing import END_OF_TIME, Position, shelves
from jackfield.journal.sqlite.pipelines import delete_versions, unused_versions
from jackfield.journal.sqlite.readers import Readers
from jackfield.journal.sqlite.refusals import delete_refusals
from jackfield.journal.sqlite.schema import open_reader, used_bytes
from jackfield.journal.sqlite.textindex import drop_segments, index_path, open_index, read_index
from jackfield.journal.sqlite.writer import Writer

_BATCH: Final = 200
_PAGES: Final = 200

_OLDEST: Final = """
SELECT received_at, seq FROM run
WHERE pipeline = ?1 AND state = ?2 AND received_at < ?3 AND finished_at < ?3 ORDER BY received_at, seq LIMIT ?4
"""
_DELETE: Final = (
    "DELETE FROM attempt WHERE run = ?",
    "DELETE FROM duplicate WHERE run = ?",
    "DELETE FROM payload WHERE seq = ?",
    "DELETE FROM run WHERE seq = ?",
)


class Cleaner:
    """Carries a retention policy out: by age first, then, oldest first, down to the size."""

    def __init__(self, path: Path, writer: Writer, readers: Readers) -> None:
        self._path = path
        self._writer = writer
        self._readers = readers

    async def clean(self, policy: Retention, now: datetime) -> int:
        """Delete what the policy does not keep, give the space back, and return how many runs went."""
        deleted, going_on = 0, True
        while going_on:
            runs, going_on = await self._delete_oldest(microseconds(now - policy.age))
            deleted += runs
        await self._readers.read(partial(_shrink_index, index=index_path(self._path)))
        going_on = True
        while going_on and await self.size() > policy.size:
            runs, going_on = await self._delete_oldest(END_OF_TIME)
            deleted += runs
            await self._readers.read(partial(_shrink_index, index=index_path(self._path)))
        unused = await self._readers.read(unused_versions)
        await self._writer.submit(partial(delete_versions, versions=unused))
        await self._give_back()
        return deleted

    async def size(self) -> int:
        """Return how many bytes of the journal and of its text index are in use."""
        return await self._readers.read(partial(_size, index=index_path(self._path)))

    async def _delete_oldest(self, before: int) -> tuple[int, bool]:
        runs = await self._readers.read(partial(_oldest, before=before))
        until = runs[-1].received_at if runs else before - 1
        refusals = await self._writer.submit(partial(_delete, runs=runs, refusals_until=until))
        return len(runs), bool(runs) or refusals > 0

    async def _give_back(self) -> None:
        free = await self._readers.read(_free_pages)
        for _ in range(0, free, _PAGES):
            await self._writer.submit(_vacuum)
        await self._readers.read(partial(_truncate, path=self._path))


def _oldest(connection: sqlite3.Connection, before: int) -> list[Position]:
    places = shelves(connection, None, SETTLED)
    found = [connection.execute(_OLDEST, (place.pipeline, place.stored, before, _BATCH)) for place in places]
    return [Position(*row) for row in islice(merge(*found), _BATCH)]


def _delete(connection: sqlite3.Connection, runs: Sequence[Position], refusals_until: int) -> int:
    """Delete runs with all that belongs to them, and requests refused until the same time."""
    for statement in _DELETE:
        connection.executemany(statement, [(run.seq,) for run in runs])
    return delete_refusals(connection, refusals_until, _BATCH)


def _size(connection: sqlite3.Connection, index: Path) -> int:
    reader = read_index(index)
    if reader is None:
        return used_bytes(connection)
    with closing(reader):
        return used_bytes(connection) + used_bytes(reader)


def _shrink_index(connection: sqlite3.Connection, index: Path) -> None:
    if index.exists():
        with explained(index), closing(open_index(index)) as writer:
            drop_segments(writer, connection)


def _free_pages(connection: sqlite3.Connection) -> int:
    pages: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return pages


def _vacuum(connection: sqlite3.Connection) -> None:
    for _ in range(_PAGES):  # `sqlite3` ends this statement after one page, however many it is told
        connection.execute("PRAGMA incremental_vacuum(1)")


def _truncate(_: sqlite3.Connection, path: Path) -> None:
    with closing(open_reader(path)) as connection:  # one that reads nothing: it would be in its own way
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
