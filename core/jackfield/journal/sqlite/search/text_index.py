"""The text index: a file of its own beside the journal, derived from it, and made anew when it is gone.

It holds no text, only which runs contain which three characters in a row (SQLite's FTS5 with its trigram tokenizer,
without positions): a run that it names is a candidate, and whoever searches looks at the text itself. It is cut into
segments, one table for so many runs, so that the newest runs are searched first and old ones go by dropping a table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from jackfield.journal.sqlite.file.schema import closed_on_failure, make_file, open_reader

_FORMAT: Final = 2
"""Of the texts that are taken in. An index of another format is made anew: in the background, like any index."""

_SEGMENT: Final = 8192


def index_path(journal: Path) -> Path:
    """Return where a journal's index is."""
    return journal.with_name(f"{journal.stem}-search.db")


def open_index(path: Path) -> sqlite3.Connection:
    """Connect for writing. An index that cannot be read, or is of another format, is made anew."""
    try:
        connection = _open(path)
        with closed_on_failure(connection):
            if _is_current(connection):
                return connection
        connection.close()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
    remove_index(path)
    return _open(path)


def remove_index(path: Path) -> None:
    """Delete the file, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def read_index(path: Path) -> sqlite3.Connection | None:
    """Connect for reading; None if there is no index yet, or none that can be read."""
    if not path.exists():
        return None
    connection = open_reader(path)
    try:
        current = _is_current(connection) and bool(last_indexed(connection))
    except sqlite3.DatabaseError:  # its host is just making it, or will make it anew
        current = False
    if current:
        return connection
    connection.close()
    return None


def last_indexed(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return the last run that was taken in: its number and its id."""
    row: tuple[int, str] = connection.execute("SELECT seq, id FROM indexed").fetchone()
    return row


def take_in(connection: sqlite3.Connection, texts: Sequence[tuple[int, str]], last: tuple[int, str]) -> None:
    """Add texts by their runs' numbers, in one transaction with the note that all up to `last` are in."""
    connection.execute("BEGIN IMMEDIATE")
    for number in sorted({seq // _SEGMENT for seq, _ in texts}):
        connection.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS segment_{number} "
            "USING fts5 (body, content = '', columnsize = 0, detail = none, tokenize = 'trigram')"
        )
        rows = [row for row in texts if row[0] // _SEGMENT == number]
        connection.executemany(f"INSERT INTO segment_{number} (rowid, body) VALUES (?, ?)", rows)  # noqa: S608
    connection.execute("UPDATE indexed SET seq = ?, id = ?", last)
    connection.execute("COMMIT")


def candidates(connection: sqlite3.Connection, expression: str, below: int) -> Iterator[int]:
    """Name runs that may be meant, newest first, of those with a number less than `below`."""
    for number in sorted(_segments(connection), reverse=True):
        if number * _SEGMENT < below:
            table = f"segment_{number}"
            query = f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid < ? ORDER BY rowid DESC"  # noqa: S608
            yield from (row[0] for row in connection.execute(query, (expression, below)))


def drop_segments(index: sqlite3.Connection, journal: sqlite3.Connection) -> None:
    """Drop the segments none of whose runs are in the journal any more, and give their space back."""
    remains = "SELECT EXISTS (SELECT 1 FROM run WHERE seq >= ? AND seq < ?)"
    last = last_indexed(index)[0]
    for number in _segments(index):
        span = (number * _SEGMENT, (number + 1) * _SEGMENT)
        if span[1] <= last and not journal.execute(remains, span).fetchone()[0]:
            index.execute(f"DROP TABLE segment_{number}")
    index.executescript("PRAGMA incremental_vacuum")
    index.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _segments(connection: sqlite3.Connection) -> list[int]:
    query = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
    return [int(row[0].removeprefix("segment_")) for row in connection.execute(query)]


def _is_current(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] == _FORMAT)


def _open(path: Path) -> sqlite3.Connection:
    connection = make_file(path)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            connection.execute("CREATE TABLE indexed AS SELECT 0 AS seq, '' AS id")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection
