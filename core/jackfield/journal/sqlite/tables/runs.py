"""Runs as lists, counts and pages show them. Each function is a query for a reader."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from jackfield.errors import JournalError
from jackfield.journal.records import State
from jackfield.journal.sqlite.file.encoding import (
    ATTEMPT_COLUMNS,
    microseconds,
    moment,
    optional_moment,
    read_attempt,
    read_event,
    read_request,
    read_set_aside,
    read_texts,
)
from jackfield.journal.sqlite.tables.pipelines import not_running, step_through
from jackfield.journal.sqlite.tables.repairs import STANDING
from jackfield.journal.views import (
    MOST_DUPLICATES,
    Backlog,
    Count,
    Duplicate,
    DuplicateEntry,
    Page,
    Query,
    RunSummary,
    RunView,
)

HOUR: Final = 3_600_000_000
END_OF_TIME: Final = 1 << 62
_CURSOR: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")

_NEXT_PIPELINE: Final = "SELECT pipeline FROM run WHERE pipeline > ? ORDER BY pipeline LIMIT 1"
_ALL: Final = "run WHERE pipeline = ? AND state = ?"
_ONLY_STANDING: Final = f"run INDEXED BY run_standing WHERE pipeline = ? AND {STANDING} AND state = ?"
_NEWEST: Final = """
SELECT received_at, seq FROM {runs} AND received_at >= ? AND (received_at, seq) < (?, ?)
ORDER BY received_at DESC, seq DESC LIMIT ?
"""
_FIRST: Final = "SELECT min(received_at) FROM {runs} AND received_at >= ?"
_BETWEEN: Final = "SELECT count(*) FROM {runs} AND received_at >= ? AND received_at < ?"
_LATEST: Final = "SELECT max(received_at) FROM run WHERE pipeline = ? AND state = ?"
_COUNT: Final = "SELECT count(*), min(received_at) FROM run WHERE pipeline = ? AND state = ?"
_FAILURES: Final = f"""
SELECT pipeline, count(*) FROM run INDEXED BY run_standing WHERE {STANDING} GROUP BY pipeline
"""  # noqa: S608
_SUMMARY: Final = """
SELECT id, pipeline, version, state, received_at, finished_at, due_at, error, warnings, replay_of,
    (SELECT count(*) FROM duplicate WHERE duplicate.run = seq), repaired_by, replaced_by, set_aside, label
FROM run WHERE seq = ?
"""


_DUPLICATES: Final = """
SELECT again.rowid, run.id, run.pipeline, again.received_at, again.event, again.blank, again.warnings
FROM duplicate AS again CROSS JOIN run ON run.seq = again.run
WHERE again.rowid < :before AND (:pipeline IS NULL OR run.pipeline = :pipeline) ORDER BY again.rowid DESC LIMIT :limit
"""
_AGAIN: Final = "SELECT received_at, event, blank, warnings FROM duplicate WHERE run = ? ORDER BY rowid DESC LIMIT ?"


class StateIndex(NamedTuple):
    """The runs of one pipeline in one state, which one index has in the order of their coming.

    `standing`: of failed runs, only those that stand.
    """

    pipeline: str
    stored: str
    shown: State
    standing: bool = False

    def spelled(self, query: str) -> str:
        """Put the runs of this shelf into a query, whose first two parameters are `pipeline` and `stored`."""
        return query.format(runs=_ONLY_STANDING if self.standing else _ALL)


class Position(NamedTuple):
    """A place in the list of runs."""

    received_at: int
    seq: int

    def __str__(self) -> str:
        return f"{self.received_at}-{self.seq}"


def position(cursor: str | None) -> Position:
    """Read a cursor; None is the beginning of the list, which is the newest run."""
    if cursor is None:
        return Position(END_OF_TIME, END_OF_TIME)
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise JournalError(f"{cursor!r} is not a cursor of this list; begin at its first page")
    return Position(int(match[1]), int(match[2]))


def shelves(
    connection: sqlite3.Connection, pipeline: str | None, states: frozenset[State], *, repaired: bool = True
) -> list[StateIndex]:
    """List where to look. A queued run of a pipeline that starts none is held."""
    pipelines = step_through(connection, _NEXT_PIPELINE) if pipeline is None else [pipeline]
    held = not_running(connection)
    return [
        StateIndex(
            name,
            State.QUEUED.value if shown is State.HELD else shown.value,
            shown,
            standing=shown is State.FAILED and not repaired,
        )
        for name in pipelines
        for shown in State
        if (not states or shown in states) and shown is not (State.QUEUED if name in held else State.HELD)
    ]


def newest(connection: sqlite3.Connection, query: Query, limit: int) -> list[Position]:
    """Find the first runs of a list, by everything in the query but its text."""
    since = microseconds(query.since) if query.since else 0
    start = position(query.cursor)
    if query.until is not None:
        start = min(start, Position(microseconds(query.until), 0))
    places = shelves(connection, query.pipeline, query.states, repaired=query.repaired)
    found = [
        connection.execute(place.spelled(_NEWEST), (place.pipeline, place.stored, since, *start, limit))
        for place in places
    ]
    return [Position(*row) for row in islice(merge(*found, reverse=True), limit)]


def list_runs(connection: sqlite3.Connection, query: Query) -> Page:
    """List runs, newest first."""
    found = newest(connection, query, query.limit + 1)
    held = not_running(connection)
    runs = [summary(connection, place.seq, held) for place in found[: query.limit]]
    return Page(runs, str(found[query.limit - 1]) if len(found) > query.limit else None)


def summary(connection: sqlite3.Connection, seq: int, held: frozenset[str]) -> RunSummary:
    """Show one run in short."""
    *row, repaired_by, replaced_by, set_aside, label = connection.execute(_SUMMARY, (seq,)).fetchone()
    id, pipeline, version, stored, received_at, finished_at, due_at, error, warnings, replay_of, duplicates = row
    state = State.HELD if stored == State.QUEUED and pipeline in held else State(stored)
    return RunSummary(
        id=id,
        pipeline=pipeline,
        version=version,
        state=state,
        received_at=moment(received_at),
        finished_at=optional_moment(finished_at),
        due_at=optional_moment(due_at),
        error=error,
        warnings=read_texts(warnings),
        duplicates=duplicates,
        replay_of=replay_of,
        repaired_by=repaired_by,
        replaced_by=replaced_by,
        set_aside=read_set_aside(set_aside),
        label=label,
    )


def view_run(connection: sqlite3.Connection, run: str) -> RunView | None:
    """Show one run with all that happened to it."""
    found = connection.execute("SELECT seq, warnings FROM run WHERE id = ?", (run,)).fetchone()
    if found is None:
        return None
    seq, warnings = found
    event, blank, request = connection.execute(
        "SELECT event, blank, request FROM payload WHERE seq = ?", (seq,)
    ).fetchone()
    attempts = f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? ORDER BY seq"  # noqa: S608
    again = connection.execute(_AGAIN, (seq, MOST_DUPLICATES)).fetchall()
    replays = "SELECT id FROM run WHERE replay_of = ? ORDER BY seq"
    return RunView(
        summary=summary(connection, seq, not_running(connection)),
        event=read_event(event, blank, warnings),
        request=read_request(request),
        attempts=[read_attempt(row) for row in connection.execute(attempts, (seq,))],
        duplicates=[Duplicate(moment(at), read_event(*row)) for at, *row in reversed(again)],
        replays=[row[0] for row in connection.execute(replays, (run,))],
    )


def list_duplicates(
    connection: sqlite3.Connection, pipeline: str | None, limit: int, before: int | None
) -> list[DuplicateEntry]:
    """List duplicates, newest first."""
    values = {"before": END_OF_TIME if before is None else before, "pipeline": pipeline, "limit": limit}
    rows = connection.execute(_DUPLICATES, values)
    return [
        DuplicateEntry(number, run, of, moment(at), read_event(event, blank, warnings))
        for number, run, of, at, event, blank, warnings in rows
    ]


def count_runs(connection: sqlite3.Connection, since: datetime, pipeline: str | None) -> list[Count]:
    """Count runs for each pipeline, hour and state."""
    start = microseconds(since)
    return [
        Count(place.pipeline, moment(hour * HOUR), place.shown, runs, repaired=runs - standing)
        for place in shelves(connection, pipeline, frozenset())
        for hour, runs, standing in _counted(connection, place, start)
    ]


def _counted(connection: sqlite3.Connection, place: StateIndex, since: int) -> Iterator[tuple[int, int, int]]:
    """Count runs hour by hour, and those of them that are no failures or still stand."""
    if place.shown is not State.FAILED:
        return ((hour, runs, runs) for hour, runs in hours_of(connection, place, since))
    standing = dict(hours_of(connection, place._replace(standing=True), since))
    return ((hour, runs, standing.get(hour, 0)) for hour, runs in hours_of(connection, place, since))


def hours_of(connection: sqlite3.Connection, place: StateIndex, since: int) -> Iterator[tuple[int, int]]:
    """Count runs hour by hour, from one run to the next hour's first: grouping them would cost four times as much."""
    shelf = (place.pipeline, place.stored)
    while (first := connection.execute(place.spelled(_FIRST), (*shelf, since)).fetchone()[0]) is not None:
        hour = first // HOUR
        since = (hour + 1) * HOUR
        yield hour, connection.execute(place.spelled(_BETWEEN), (*shelf, first, since)).fetchone()[0]


def latest_runs(connection: sqlite3.Connection) -> dict[str, datetime]:
    """Find when the newest run of each pipeline came in."""
    found: dict[str, int] = {}
    for place in shelves(connection, None, frozenset()):
        at = connection.execute(_LATEST, (place.pipeline, place.stored)).fetchone()[0]
        found[place.pipeline] = max(found.get(place.pipeline, 0), at or 0)
    return {pipeline: moment(at) for pipeline, at in found.items()}


def measure_backlog(connection: sqlite3.Connection) -> Backlog:
    """Count what is still to be done."""
    unsettled = frozenset({State.QUEUED, State.RUNNING, State.WAITING, State.HELD})
    states = dict.fromkeys(sorted(unsettled), 0)
    oldest: list[int] = []
    for place in shelves(connection, None, unsettled):
        count, first = connection.execute(_COUNT, (place.pipeline, place.stored)).fetchone()
        states[place.shown] += count
        if count and place.shown is State.QUEUED:
            oldest.append(first)
    failures = dict(connection.execute(_FAILURES).fetchall())
    return Backlog(states, moment(min(oldest)) if oldest else None, failures)
