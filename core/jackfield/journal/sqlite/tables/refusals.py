"""Requests that were turned away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from jackfield.errors import NotFound
from jackfield.journal.records import Refusal
from jackfield.journal.sqlite.file.encoding import Row, dump, microseconds, moment, plain, read_request, read_texts

KEPT: Final = 10_000
"""How many are kept of each pipeline and status."""

_STRANGERS: Final = 404

_COLUMNS: Final = "id, pipeline, received_at, status, reason, accepted_as, request"
_INSERT: Final = f"""
INSERT INTO refusal ({_COLUMNS}, number) VALUES (?, ?, ?, ?, ?, ?, ?, (
    SELECT coalesce(max(number), 0) + 1 FROM refusal WHERE pipeline = ? AND status = ?
)) RETURNING number
"""  # noqa: S608
_DELETE_BEYOND: Final = "DELETE FROM refusal WHERE pipeline = ? AND status = ? AND number <= ?"
_LIST: Final = f"""
SELECT {_COLUMNS} FROM refusal
WHERE (:pipeline IS NULL OR pipeline = :pipeline)
    AND (:before IS NULL OR seq < (SELECT seq FROM refusal WHERE id = :before))
ORDER BY seq DESC LIMIT :limit
"""  # noqa: S608


def insert_refusal(connection: sqlite3.Connection, row: Row) -> None:
    """Write a refused request down, in the place of the oldest of its kind if there are `KEPT` already."""
    _, pipeline, _, status, *_ = row
    number = connection.execute(_INSERT, (*row, pipeline, status)).fetchall()[0][0]
    connection.execute(_DELETE_BEYOND, (pipeline, status, number - KEPT))


def refusal_row(refusal: Refusal) -> Row:
    """Return the columns of a refused request."""
    return (
        refusal.id,
        plain(refusal.pipeline),
        microseconds(refusal.received_at),
        refusal.status,
        plain(refusal.reason),
        dump(refusal.accepted_as) if refusal.accepted_as else None,
        dump(refusal.request),
    )


def list_refusals(
    connection: sqlite3.Connection, pipeline: str | None, limit: int, before: str | None
) -> list[Refusal]:
    """List refused requests, newest first; nothing where `before` is gone, for all that is older went earlier."""
    values = {"pipeline": pipeline, "limit": limit, "before": before}
    return [_read(row) for row in connection.execute(_LIST, values)]


def find_refusal(connection: sqlite3.Connection, refusal: str) -> Refusal | None:
    """Find a refused request."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM refusal WHERE id = ?", (refusal,)).fetchone()  # noqa: S608
    return row and _read(row)


def mark_accepted(connection: sqlite3.Connection, refusal: str, runs: Sequence[str]) -> None:
    """Write down what a refused request became, which happens once."""
    found = find_refusal(connection, refusal)
    if found is None:
        raise NotFound(f"there is no refused request {refusal}; it may be older than what the journal keeps")
    if found.accepted_as:
        raise NotFound(f"refused request {refusal} was accepted before, as {', '.join(found.accepted_as)}")
    connection.execute("UPDATE refusal SET accepted_as = ? WHERE id = ?", (dump(runs), refusal))


def oldest_refusals(connection: sqlite3.Connection, before: int, limit: int) -> Iterator[Row]:
    """Find when the oldest came in, and their numbers."""
    query = "SELECT received_at, seq FROM refusal WHERE received_at < ? ORDER BY received_at, seq LIMIT ?"
    return connection.execute(query, (before, limit))


def oldest_strangers(connection: sqlite3.Connection, limit: int) -> Iterator[Row]:
    """Find the same of the calls with a wrong token."""
    query = "SELECT received_at, seq FROM refusal WHERE status = ? ORDER BY received_at, seq LIMIT ?"
    return connection.execute(query, (_STRANGERS, limit))


def _read(row: Row) -> Refusal:
    id, pipeline, received_at, status, reason, accepted_as, request = row
    return Refusal(id, pipeline, moment(received_at), status, reason, read_request(request), read_texts(accepted_as))
