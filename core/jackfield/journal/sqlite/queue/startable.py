"""What the file says is to be done: read by the dispatcher, and put in order by its housekeeping."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from jackfield.journal.records import COMPLETED, Deaths, StepRecord
from jackfield.journal.sqlite.file.encoding import load, moment, read_event
from jackfield.journal.sqlite.file.writer import Writer
from jackfield.journal.sqlite.queue.claims import SqliteClaim
from jackfield.journal.sqlite.queue.transitions import unblock
from jackfield.journal.sqlite.tables.pipelines import step_through

UNREADABLE: Final = "this run cannot be read any more: the journal's file is damaged"
"""Why a run failed of which the file has not what was written."""

_STARTABLE: Final = """
SELECT seq FROM run WHERE pipeline = ? AND state = 'queued' AND blocked = 0 ORDER BY seq LIMIT ?
"""
_GIVE_UP: Final = """
UPDATE run SET state = 'failed', finished_at = ?, error = ? WHERE seq = ? AND state = 'queued' RETURNING order_key
"""
_NEXT_PIPELINE: Final = """
SELECT pipeline FROM run WHERE state = 'queued' AND blocked = 0 AND pipeline > ? ORDER BY pipeline LIMIT 1
"""
_CLAIM: Final = """
SELECT id, root, version, received_at, order_key, replay_of, pinned, tries, warnings, event, blank, deaths, blamed
FROM run JOIN payload USING (seq) WHERE seq = ?
"""
_ATTEMPTS: Final = "SELECT place, step, outcome, result, masked FROM attempt WHERE run = ? ORDER BY seq"
_MAKE_DUE: Final = """
UPDATE run SET state = 'queued', due_at = NULL WHERE seq IN (
    SELECT seq FROM run WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?
) RETURNING pipeline
"""


class Findings(NamedTuple):
    """What housekeeping found: `data_version` differs from the last one if another process has written."""

    data_version: int
    due: frozenset[str]
    next_due: int | None


def poll_due_runs(connection: sqlite3.Connection, now: int, most: int, running: Sequence[int]) -> Findings:
    """Make waiting runs due, at most so many, mark those that have been running for a while."""
    connection.executemany(
        "UPDATE run SET state = 'running' WHERE seq = ? AND state = 'queued'", [(seq,) for seq in running]
    )
    due = frozenset(row[0] for row in connection.execute(_MAKE_DUE, (now, most)).fetchall())
    next_due = connection.execute("SELECT min(due_at) FROM run WHERE state = 'waiting'").fetchone()[0]
    return Findings(connection.execute("PRAGMA data_version").fetchone()[0], due, next_due)


def requeue_running(connection: sqlite3.Connection) -> None:
    """Nobody is working on the journal: what was running is to be run."""
    connection.execute("UPDATE run SET state = 'queued' WHERE state = 'running'")


def startable_pipelines(connection: sqlite3.Connection) -> list[str]:
    """List the pipelines that have runs to start."""
    return step_through(connection, _NEXT_PIPELINE)


def cancelled_among(connection: sqlite3.Connection, runs: Collection[int]) -> list[int]:
    """List those of the runs that are cancelled."""
    query = "SELECT 1 FROM run WHERE seq = ? AND state = 'cancelled'"
    return [seq for seq in runs if connection.execute(query, (seq,)).fetchone()]


class Startable(NamedTuple):
    """Runs that may start; `complete`: these are all of them; `unreadable`: those that the file has lost."""

    claims: list[SqliteClaim]
    complete: bool
    unreadable: list[int]


def load_startable(
    connection: sqlite3.Connection, writer: Writer, pipeline: str, known: Collection[int], room: int
) -> Startable:
    """Load the first runs that may start and are not known."""
    limit = len(known) + room
    found = [row[0] for row in connection.execute(_STARTABLE, (pipeline, limit))]
    wanted = [seq for seq in found if seq not in known]
    loaded = Startable([], len(found) < limit and len(wanted) <= room, [])
    for seq in wanted[:room]:
        try:
            loaded.claims.append(_claim(connection, writer, pipeline, seq))
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, ValueError, TypeError):  # damage in one run must not hold up all others
            loaded.unreadable.append(seq)
    return loaded


def give_up(connection: sqlite3.Connection, pipeline: str, runs: Sequence[int], at: int) -> None:
    """Fail runs that cannot be read."""
    for seq in runs:
        for (order_key,) in connection.execute(_GIVE_UP, (at, UNREADABLE, seq)).fetchall():
            if order_key is not None:
                unblock(connection, pipeline, order_key)


def _claim(connection: sqlite3.Connection, writer: Writer, pipeline: str, seq: int) -> SqliteClaim:
    row = connection.execute(_CLAIM, (seq,)).fetchone()
    run, root, version, received_at, order_key, replay_of, pinned, tries, warnings, event, blank, *deaths = row
    return SqliteClaim(
        writer=writer,
        seq=seq,
        run=run,
        root=root,
        pipeline=pipeline,
        version=version,
        received_at=moment(received_at),
        event=read_event(event, blank, warnings),
        order_key=order_key,
        replay_of=replay_of,
        pinned=bool(pinned),
        attempt=tries + 1,
        deaths=Deaths(*deaths),
        done=_done(connection, seq) if pinned else [],
    )


def _done(connection: sqlite3.Connection, seq: int) -> list[StepRecord]:
    records = {
        step: StepRecord(place, step, None if result is None else load(result), bool(masked))
        for place, step, outcome, result, masked in connection.execute(_ATTEMPTS, (seq,))
        if outcome in COMPLETED
    }
    return list(records.values())
