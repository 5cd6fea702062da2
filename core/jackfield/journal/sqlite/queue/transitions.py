"""What becomes of runs: steps done, verdicts, cancellation. Each function is an operation of the writer.

A run that is settled is never changed again: every change is guarded by the state that it starts from, so that a
worker that has lost its lease, to whatever process, changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from jackfield.journal.records import Failed, RetryAt, Skipped, State, Succeeded, Verdict
from jackfield.journal.sqlite.file.bulk_rows import execute_rows
from jackfield.journal.sqlite.file.encoding import ATTEMPT_COLUMNS, Row, attempt_row, microseconds, plain
from jackfield.journal.sqlite.tables.repairs import note_repairs

_CHECKPOINT: Final = """
UPDATE run SET pinned = 1, version = ?, tries = 0, deaths = 0, blamed = 0
WHERE seq = ? AND state IN ('queued', 'running')
"""
_SETTLE: Final = """
UPDATE run SET state = column2, due_at = column3, finished_at = column4, error = column5, version = column6,
    tries = tries + column7
FROM ({values}) WHERE seq = column1 AND state IN ('queued', 'running')
RETURNING seq
"""
_INSERT_ATTEMPTS: Final = f"INSERT INTO attempt (run, {ATTEMPT_COLUMNS}) {{values}}"
_INSERT_ATTEMPT: Final = f"INSERT INTO attempt (run, {ATTEMPT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_CANCEL: Final = """
UPDATE run SET state = 'cancelled', due_at = NULL, finished_at = ?
WHERE id = ? AND state IN ('queued', 'running', 'waiting')
RETURNING seq, pipeline, order_key
"""
_RETRY_NOW: Final = """
UPDATE run SET state = 'queued', due_at = NULL WHERE id = ? AND state = 'waiting' RETURNING pipeline
"""
_UNBLOCK: Final = """
UPDATE run SET blocked = 0 WHERE blocked = 1 AND seq = (
    SELECT min(seq) FROM run WHERE pipeline = ? AND order_key = ? AND state IN ('queued', 'running', 'waiting')
)
"""


class Settlement(NamedTuple):
    """A verdict, ready to be written."""

    columns: Row
    attempt: Row | None


class Cancelled(NamedTuple):
    """A run that was cancelled."""

    seq: int
    pipeline: str


def settlement(verdict: Verdict, version: str, now: datetime) -> Settlement:
    """Encode a verdict. Raises what JSON raises if the attempt's result is none."""
    attempt = None if verdict.attempt is None else attempt_row(verdict.attempt)
    finished_at = microseconds(now)
    match verdict:
        case Succeeded():
            columns: Row = (State.SUCCEEDED.value, None, finished_at, None, version, 0)
        case Skipped(reason):
            columns = (State.SKIPPED.value, None, finished_at, plain(reason), version, 0)
        case Failed(error):
            columns = (State.FAILED.value, None, finished_at, plain(error), version, 0)
        case RetryAt(when, error):
            columns = (State.WAITING.value, microseconds(when), None, plain(error), version, int(attempt is not None))
    return Settlement(columns, attempt)


def checkpoint(connection: sqlite3.Connection, seq: int, attempt: Row, version: str) -> bool:
    """Write a completed step down; False if the lease is lost."""
    if not connection.execute(_CHECKPOINT, (version, seq)).rowcount:
        return False
    insert_attempt(connection, seq, attempt)
    return True


def insert_attempt(connection: sqlite3.Connection, seq: int, attempt: Row) -> None:
    """Write one attempt of a run down."""
    connection.execute(_INSERT_ATTEMPT, (seq, *attempt))


class Ending(NamedTuple):
    """A run and how it is left."""

    seq: int
    run: str
    replay_of: str | None
    settlement: Settlement
    pipeline: str
    order_key: str | None


def settle(connection: sqlite3.Connection, endings: Sequence[Ending]) -> list[bool]:
    """Write verdicts down, except where the lease is lost; True where another run with the same key may start now."""
    rows = [(one.seq, *one.settlement.columns) for one in endings]
    settled = {row[0] for row in execute_rows(connection, _SETTLE, rows)}
    attempts = [(one.seq, *one.settlement.attempt) for one in endings if one.seq in settled and one.settlement.attempt]
    deque(execute_rows(connection, _INSERT_ATTEMPTS, attempts), maxlen=0)
    for one in endings:
        if one.seq in settled:
            note_repairs(connection, one.run, one.replay_of, State(one.settlement.columns[0]))
    return [
        one.seq in settled and one.order_key is not None and unblock(connection, one.pipeline, one.order_key)
        for one in endings
    ]


def unblock(connection: sqlite3.Connection, pipeline: str, order_key: str) -> bool:
    """Let the next run with this key start, if there is one that waited for it."""
    return bool(connection.execute(_UNBLOCK, (pipeline, order_key)).rowcount)


def cancel(connection: sqlite3.Connection, run: str, at: datetime) -> Cancelled | None:
    """Cancel a run that is not settled."""
    rows = connection.execute(_CANCEL, (microseconds(at), run)).fetchall()
    for seq, pipeline, order_key in rows:
        if order_key is not None:
            unblock(connection, pipeline, order_key)
        return Cancelled(seq, pipeline)
    return None


def retry_now(connection: sqlite3.Connection, run: str) -> str | None:
    """Make a waiting run due; return its pipeline."""
    rows = connection.execute(_RETRY_NOW, (run,)).fetchall()
    return rows[0][0] if rows else None
