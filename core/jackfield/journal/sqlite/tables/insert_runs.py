"""Writing new runs down."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from jackfield.journal.records import NewRun
from jackfield.journal.sqlite.file.bulk_rows import execute_rows
from jackfield.journal.sqlite.file.encoding import Row, dump, microseconds, payload_row, plain, warnings_column
from jackfield.journal.sqlite.tables.refusals import mark_accepted

_INSERT_RUN: Final = """
INSERT INTO run (id, root, pipeline, version, received_at, warnings, label, order_key, dedupe_key, blocked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_RUNS: Final = "INSERT INTO run (seq, id, root, pipeline, version, received_at, warnings, label) {values}"
_INSERT_PAYLOADS: Final = "INSERT INTO payload (seq, event, blank, request) {values}"
_INSERT_PAYLOAD: Final = "INSERT INTO payload (seq, event, blank, request) VALUES (?, ?, ?, ?)"
_INSERT_DUPLICATE: Final = "INSERT INTO duplicate (run, received_at, event, blank, warnings) VALUES (?, ?, ?, ?, ?)"
_FIND_TWIN: Final = """
SELECT seq, id FROM run WHERE pipeline = ? AND dedupe_key = ? AND received_at >= ? ORDER BY received_at DESC LIMIT 1
"""
_IS_BLOCKED: Final = """
SELECT EXISTS (
    SELECT 1 FROM run WHERE pipeline = ? AND order_key = ? AND state IN ('queued', 'running', 'waiting')
)
"""


class RunRow(NamedTuple):
    """A new run, ready to be written. `twins_since` is how far back, in microseconds, a run with its key counts."""

    id: str
    pipeline: str
    received_at: int
    order_key: str | None
    dedupe_key: str | None
    twins_since: int
    warnings: str | None
    columns: Row
    payload: Row


class Inserted(NamedTuple):
    """Where a draft went: a row of its own, unless it is a duplicate of another run."""

    seq: int
    blocked: bool
    duplicate_of: str | None = None


def encode_run(new: NewRun) -> RunRow:
    """Encode a new run."""
    received_at = microseconds(new.received_at)
    order_key, dedupe_key = plain(new.order_key), plain(new.dedupe_key)
    warnings = warnings_column(new.event)
    return RunRow(
        new.id,
        new.pipeline,
        received_at,
        order_key,
        dedupe_key,
        microseconds(new.received_at - new.dedupe_within) if new.dedupe_within is not None else 0,
        warnings,
        (new.id, new.id, new.pipeline, new.version, received_at, warnings, plain(new.label)),
        payload_row(new.event, dump(new.request)),
    )


class Call(NamedTuple):
    """What one call of `accept()` brought."""

    drafts: Sequence[RunRow]
    refusal: str | None


def insert_calls(connection: sqlite3.Connection, calls: Sequence[Call]) -> list[list[Inserted]]:
    """Write the runs of several calls down."""
    plain = [draft for call in calls for draft in call.drafts if draft.order_key is None and draft.dedupe_key is None]
    places = dict(zip(map(id, plain), _insert_together(connection, plain), strict=True)) if len(plain) > 1 else {}
    return [_insert_call(connection, call, places) for call in calls]


def _insert_call(connection: sqlite3.Connection, call: Call, places: Mapping[int, Inserted]) -> list[Inserted]:
    """Write what is not written yet; note on the refusal what it became."""
    inserted = [places.get(id(draft)) or _insert(connection, draft) for draft in call.drafts]
    if call.refusal is not None:
        runs = [row.duplicate_of or draft.id for draft, row in zip(call.drafts, inserted, strict=True)]
        mark_accepted(connection, call.refusal, list(dict.fromkeys(runs)))
    return inserted


def _insert_together(connection: sqlite3.Connection, drafts: Sequence[RunRow]) -> list[Inserted]:
    """Write runs without keys down, with as few statements as can be."""
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'run'").fetchone()
    first = last[0] + 1 if last else 1
    runs = [(seq, *draft.columns) for seq, draft in enumerate(drafts, first)]
    payloads = [(seq, *draft.payload) for seq, draft in enumerate(drafts, first)]
    for statement, rows in ((_INSERT_RUNS, runs), (_INSERT_PAYLOADS, payloads)):
        deque(execute_rows(connection, statement, rows), maxlen=0)
    return [Inserted(seq, blocked=False) for seq in range(first, first + len(drafts))]


def has_predecessor(connection: sqlite3.Connection, pipeline: str, order_key: str | None) -> bool:
    """Say whether a run with this key has to be settled before a new one may start."""
    return order_key is not None and bool(connection.execute(_IS_BLOCKED, (pipeline, order_key)).fetchone()[0])


def _insert(connection: sqlite3.Connection, draft: RunRow) -> Inserted:
    if draft.dedupe_key is not None:
        twin = connection.execute(_FIND_TWIN, (draft.pipeline, draft.dedupe_key, draft.twins_since)).fetchone()
        if twin is not None:
            event, blank, _ = draft.payload
            connection.execute(_INSERT_DUPLICATE, (twin[0], draft.received_at, event, blank, draft.warnings))
            return Inserted(twin[0], blocked=False, duplicate_of=twin[1])
    blocked = has_predecessor(connection, draft.pipeline, draft.order_key)
    keys = (draft.order_key, draft.dedupe_key, blocked)
    seq = connection.execute(_INSERT_RUN, (*draft.columns, *keys)).lastrowid or 0
    connection.execute(_INSERT_PAYLOAD, (seq, *draft.payload))
    return Inserted(seq, blocked)
