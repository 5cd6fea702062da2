"""Deleting what need not be kept, in steps small enough that nobody has to wait for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from jackfield.journal.records import SETTLED, Retention
from jackfield.journal.sqlite.file.encoding import Row, microseconds
from jackfield.journal.sqlite.file.errors import explained
from jackfield.journal.sqlite.file.readers import Readers
from jackfield.journal.sqlite.file.schema import open_reader, used_bytes
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.search.text_index import drop_segments, index_path, open_index, read_index
from jackfield.journal.sqlite.tables.pipelines import delete_versions, unused_versions
from jackfield.journal.sqlite.tables.refusals import oldest_refusals, oldest_strangers
from jackfield.journal.sqlite.tables.runs import END_OF_TIME, shelves

_BATCH: Final = 200
_SMALL: Final = 50
"""How many rows go at once while many are writing, who wait for it."""
_PAGES: Final = 200
_SHRINK_AFTER: Final = 16
"""After so many batches the text index is looked at: only what thousands of runs are in can go from it."""

_OLDEST: Final = """
SELECT received_at, seq FROM run
WHERE pipeline = ? AND state = ? AND received_at < ? AND finished_at < ? ORDER BY received_at, seq LIMIT ?
"""
_RUN: Final = "run"
_REFUSAL: Final = "refusal"
_DELETE: Final = {
    _RUN: (
        "DELETE FROM attempt WHERE run = ?",
        "DELETE FROM duplicate WHERE run = ?",
        "DELETE FROM payload WHERE seq = ?",
        "DELETE FROM run WHERE seq = ?",
    ),
    _REFUSAL: ("DELETE FROM refusal WHERE seq = ?",),
}


_ROWS: Final = tuple(f"SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM {table}" for table in _DELETE)  # noqa: S608
"""How many rows there are, or a few more: the numbers are given out in order, and the oldest go first."""


class _Entry(NamedTuple):
    """A row that may go, of the table that is named."""

    received_at: int
    table: str
    seq: int


class Cleaner:
    """Carries a retention policy out: by age first, then down to the size."""

    def __init__(self, path: Path, writer: Writer, readers: Readers) -> None:
        self._path = path
        self._writer = writer
        self._readers = readers

    async def clean(self, policy: Retention, now: datetime) -> int:
        """Delete what the policy does not keep, give the space back, and return how many runs went."""
        deleted = await self._delete(partial(_oldest, before=microseconds(now - policy.age)), down_to=0)
        deleted += await self.trim(policy.size)
        unused = await self._readers.read(unused_versions)
        await self._writer.submit(partial(delete_versions, versions=unused))
        await self._give_back()
        return deleted

    async def trim(self, size: int) -> int:
        """Delete the oldest that may go, as long as more bytes are in use; return how many runs went.

        The space is left to what comes next: to give it back and get it again at once would be work for nothing.
        """
        await self._delete(_strangers, size)
        return await self._delete(_oldest, size)

    async def size(self) -> int:
        """Return how many bytes of the journal and of its text index are in use."""
        return await self._readers.read(partial(_size, index=index_path(self._path)))

    async def _delete(self, find: Callable[..., list[_Entry]], down_to: int) -> int:
        """Delete batch after batch of what is found, as long as more bytes are in use; return how many runs went."""
        deleted = batches = 0
        index = index_path(self._path)
        while (limit := await self._readers.read(partial(_batch, index=index, down_to=down_to))) and (
            batch := await self._readers.read(partial(find, limit=min(limit, _SMALL if self._writer.busy else _BATCH)))
        ):
            await self._writer.submit(partial(_delete, batch=batch))
            deleted += sum(entry.table == _RUN for entry in batch)
            batches += 1
            if batches % _SHRINK_AFTER == 0:
                await self._readers.read(partial(_shrink_index, index=index))
        if batches:
            await self._readers.read(partial(_shrink_index, index=index))
        return deleted

    async def _give_back(self) -> None:
        free = await self._readers.read(_free_pages)
        for _ in range(0, free, _PAGES):
            await self._writer.submit(_vacuum)
        await self._readers.read(partial(_truncate, path=self._path))


def _batch(connection: sqlite3.Connection, index: Path, down_to: int) -> int:
    """Say how many rows to delete next: no more than it takes by and large, or a large one would cost all others."""
    used = _size(connection, index)
    if used <= down_to:
        return 0
    rows: int = sum(connection.execute(query).fetchone()[0] for query in _ROWS)
    return min(_BATCH, max(1, (used - down_to) * rows // used))


def _oldest(connection: sqlite3.Connection, limit: int, before: int = END_OF_TIME) -> list[_Entry]:
    """Find settled runs and refused requests, whichever came in first."""
    runs = merge(
        *(
            connection.execute(_OLDEST, (place.pipeline, place.stored, before, before, limit))
            for place in shelves(connection, None, SETTLED)
        )
    )
    refusals = oldest_refusals(connection, before, limit)
    return list(islice(merge(_entries(runs, _RUN), _entries(refusals, _REFUSAL)), limit))


def _strangers(connection: sqlite3.Connection, limit: int) -> list[_Entry]:
    """Find calls with a wrong token."""
    return list(_entries(oldest_strangers(connection, limit), _REFUSAL))


def _entries(rows: Iterable[Row], table: str) -> Iterator[_Entry]:
    return (_Entry(received_at, table, seq) for received_at, seq in rows)


def _delete(connection: sqlite3.Connection, batch: Sequence[_Entry]) -> None:
    for table, statements in _DELETE.items():
        numbers = [(entry.seq,) for entry in batch if entry.table == table]
        for statement in statements:
            connection.executemany(statement, numbers)


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
