"""How far the runs of a pipeline have come: where each stands, counted. Each function is a query for a reader."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from jackfield.journal.records import Outcome, State
from jackfield.journal.sqlite.file.encoding import microseconds
from jackfield.journal.sqlite.tables.runs import HOUR, StateIndex, hours_of, shelves
from jackfield.journal.views import StepCount

_MOST: Final = 5000
"""Runs of one state whose last attempt is looked up: it takes about two microseconds each."""

_STANDINGS: Final = """
SELECT found.version, step, outcome, count(*) FROM (
    SELECT version, (SELECT max(attempt.seq) FROM attempt WHERE attempt.run = run.seq) AS last
    FROM {runs} AND received_at >= ? ORDER BY received_at DESC LIMIT ?
) AS found LEFT JOIN attempt ON attempt.seq = last GROUP BY found.version, step, outcome
"""
_MORE: Final = """
SELECT EXISTS (SELECT 1 FROM {runs} AND received_at >= ? LIMIT 1 OFFSET ?)
"""
_WITHIN: Final = "FROM run WHERE pipeline = ? AND state = ? AND received_at >= ? AND received_at < ?"
_ENDS: Final = f"""
SELECT * FROM (SELECT version {_WITHIN} ORDER BY received_at, seq LIMIT 1)
UNION SELECT * FROM (SELECT version {_WITHIN} ORDER BY received_at DESC, seq DESC LIMIT 1)
"""  # noqa: S608
_VERSIONS: Final = f"SELECT version, count(*) {_WITHIN} GROUP BY version"


def list_standings(connection: sqlite3.Connection, pipeline: str, since: datetime) -> list[StepCount]:
    """Count the runs of a pipeline by version, state and last attempt."""
    start = microseconds(since)
    return [
        standing
        for place in shelves(connection, pipeline, frozenset(), repaired=False)
        for standing in (_succeeded if place.shown is State.SUCCEEDED else _looked_up)(connection, place, start)
    ]


def _looked_up(connection: sqlite3.Connection, place: StateIndex, since: int) -> Iterator[StepCount]:
    shelf = (place.pipeline, place.stored, since, _MOST)
    more = bool(connection.execute(place.spelled(_MORE), shelf).fetchone()[0])
    for version, step, outcome, runs in connection.execute(place.spelled(_STANDINGS), shelf).fetchall():
        yield StepCount(version, place.shown, runs, step, outcome and Outcome(outcome), more)


def _succeeded(connection: sqlite3.Connection, place: StateIndex, since: int) -> Iterator[StepCount]:
    """Count by version alone, without looking at each run where an hour has begun and ended on one version."""
    found: Counter[str] = Counter()
    for hour, runs in hours_of(connection, place, since):
        within = (place.pipeline, place.stored, max(since, hour * HOUR), (hour + 1) * HOUR)
        ends = connection.execute(_ENDS, within * 2).fetchall()
        counted = [(*ends[0], runs)] if len(ends) == 1 else connection.execute(_VERSIONS, within).fetchall()
        found.update(dict(counted))
    return (StepCount(version, place.shown, runs) for version, runs in found.items())
