"""New runs out of old ones."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from jackfield.errors import NotFound
from jackfield.journal.records import COMPLETED, Replay
from jackfield.journal.sqlite.file.encoding import ATTEMPT_COLUMNS, microseconds, payload_row, plain, warnings_column
from jackfield.journal.sqlite.tables.insert_runs import has_predecessor
from jackfield.journal.sqlite.tables.repairs import see_that_it_stands

_ORIGIN: Final = """
SELECT seq, root, pipeline, version, order_key, warnings, label, event, blank, request
FROM run JOIN payload USING (seq) WHERE id = ?
"""
_INSERT_RUN: Final = """
INSERT INTO run (id, root, replay_of, pipeline, version, pinned, received_at, warnings, label, order_key, blocked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_PAYLOAD: Final = "INSERT INTO payload (seq, event, blank, request) VALUES (?, ?, ?, ?)"
_ATTEMPTS: Final = "SELECT seq, place, step, outcome FROM attempt WHERE run = ? ORDER BY seq"
_REUSE: Final = f"""
INSERT INTO attempt (run, {ATTEMPT_COLUMNS})
SELECT ?, place, step, number, started_at, elapsed_ms, 'reused', error, NULL, result, masked, NULL, version
FROM attempt WHERE seq = ?
"""  # noqa: S608


def insert_replay(connection: sqlite3.Connection, origin: str, replay: Replay, id: str, at: datetime) -> str:
    """Write down a run that does an old one over again; return its pipeline."""
    row = connection.execute(_ORIGIN, (origin,)).fetchone()
    if row is None:
        raise NotFound(f"there is no run {origin}; it may be older than what the journal keeps")
    if replay.if_standing:
        see_that_it_stands(connection, origin)
    old, root, pipeline, version, order_key, warnings, label, event, blank, request = row
    payload = (event, blank, request)
    if replay.event is not None:
        root, payload, warnings = id, payload_row(replay.event, request), warnings_column(replay.event)
        label = plain(replay.label)
    reused = _steps_before(connection, origin, old, replay.from_step) if replay.from_step is not None else []
    pinned = replay.version is not None or replay.from_step is not None
    kept = (warnings, label, order_key)
    columns = (id, root, origin, pipeline, replay.version or version, pinned, microseconds(at), *kept)
    blocked = has_predecessor(connection, pipeline, order_key)
    seq = connection.execute(_INSERT_RUN, (*columns, blocked)).lastrowid
    connection.execute(_INSERT_PAYLOAD, (seq, *payload))
    connection.executemany(_REUSE, [(seq, attempt) for attempt in reused])
    return str(pipeline)


def _steps_before(connection: sqlite3.Connection, origin: str, run: int, step: str) -> list[int]:
    attempts = connection.execute(_ATTEMPTS, (run,)).fetchall()
    tries = [(seq, place) for seq, place, name, _ in attempts if name == step]
    if not tries:
        raise NotFound(f"run {origin} never came to a step {step!r}; replay it from a step that it has an attempt of")
    last, place = tries[-1]
    completed = {name: seq for seq, _, name, outcome in attempts if seq < last and outcome in COMPLETED}
    if len(completed) < place:  # more there may be: a replay on a changed pipeline takes over what the old one had
        raise NotFound(f"run {origin} has not completed the steps before {step!r}; replay it from an earlier step")
    return sorted(completed.values())
