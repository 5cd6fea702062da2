"""Requests that were turned away."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from jackfield.journal.records import Refusal
from jackfield.journal.sqlite.encoding import Row, dump, microseconds, moment, plain, read_request, read_texts

KEPT: Final = 10_000

_COLUMNS: Final = "id, pipeline, received_at, status, reason, accepted_as, request"
_INSERT: Final = f"INSERT INTO refusal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_LIST: Final = f"SELECT {_COLUMNS} FROM refusal WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY seq DESC LIMIT ?2"  # noqa: S608


def insert_refusal(connection: sqlite3.Connection, row: Row) -> None:
    """Write a refused request down, in the place of the oldest if there are `KEPT` already."""
    seq = connection.execute(_INSERT, row).lastrowid or 0
    connection.execute("DELETE FROM refusal WHERE seq <= ?", (seq - KEPT,))


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


def list_refusals(connection: sqlite3.Connection, pipeline: str | None, limit: int) -> list[Refusal]:
    """List refused requests, newest first."""
    return [_read(row) for row in connection.execute(_LIST, (pipeline, limit))]


def find_refusal(connection: sqlite3.Connection, refusal: str) -> Refusal | None:
    """Find a refused request."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM refusal WHERE id = ?", (refusal,)).fetchone()  # noqa: S608
    return row and _read(row)


def mark_accepted(connection: sqlite3.Connection, refusal: str, runs: Sequence[str]) -> bool:
    """Write down what a refused request became; False if there is none of this id."""
    query = "UPDATE refusal SET accepted_as = ? WHERE id = ?"
    return bool(connection.execute(query, (dump(list(runs)), refusal)).rowcount)


def delete_refusals(connection: sqlite3.Connection, until: int, limit: int) -> int:
    """Delete the oldest that came in until then, so many at most; return how many went."""
    query = "DELETE FROM refusal WHERE seq IN (SELECT seq FROM refusal WHERE received_at <= ? ORDER BY seq LIMIT ?)"
    return connection.execute(query, (until, limit)).rowcount


def _read(row: Row) -> Refusal:
    id, pipeline, received_at, status, reason, accepted_as, request = row
    return Refusal(id, pipeline, moment(received_at), status, reason, read_request(request), read_texts(accepted_as))
