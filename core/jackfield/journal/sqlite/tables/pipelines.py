"""What the journal remembers about pipelines: their modes, and their definitions as they were."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import Final

from jackfield.journal.records import Mode, ModeRecord, Version
from jackfield.journal.sqlite.file.encoding import microseconds, optional_moment, plain
from jackfield.journal.views import KeptVersion

# A definition that is kept again becomes the newest: retention never takes the newest one of a pipeline.
_KEEP: Final = """
INSERT OR REPLACE INTO version (pipeline, id, text, kept_at)
SELECT :pipeline, :id, :text, CASE WHEN EXISTS (SELECT 1 FROM version WHERE pipeline = :pipeline AND id = :id)
    THEN (SELECT kept_at FROM version WHERE pipeline = :pipeline AND id = :id) ELSE :at END
"""
_LIST_VERSIONS: Final = "SELECT id, text, kept_at FROM version WHERE pipeline = ? ORDER BY seq DESC"
_SET_MODE: Final = "INSERT OR REPLACE INTO mode (pipeline, mode, since, reason) VALUES (?, ?, ?, ?)"
KEPT: Final = 50
"""How many versions of a pipeline are kept, the newest ones, though no run is on them."""

_UNUSED_VERSIONS: Final = """
SELECT seq FROM (
    SELECT seq, pipeline, id, row_number() OVER (PARTITION BY pipeline ORDER BY seq DESC) AS place FROM version
) AS kept WHERE place > ? AND NOT EXISTS (
    SELECT 1 FROM (SELECT DISTINCT pipeline, version FROM run) AS used
    WHERE used.pipeline = kept.pipeline AND used.version = kept.id
)
"""


def keep_version(connection: sqlite3.Connection, version: Version, at: datetime) -> None:
    """Keep a definition."""
    values = {"pipeline": version.pipeline, "id": version.id, "text": version.text, "at": microseconds(at)}
    connection.execute(_KEEP, values)


def find_version(connection: sqlite3.Connection, pipeline: str, version: str) -> Version | None:
    """Find a definition."""
    query = "SELECT pipeline, id, text FROM version WHERE pipeline = ? AND id = ?"
    row = connection.execute(query, (pipeline, version)).fetchone()
    return row and Version(*row)


def list_versions(connection: sqlite3.Connection, pipeline: str) -> list[KeptVersion]:
    """List the definitions of a pipeline, the one that was kept last first."""
    rows = connection.execute(_LIST_VERSIONS, (pipeline,))
    return [KeptVersion(Version(pipeline, id, text), optional_moment(at)) for id, text, at in rows]


def unused_versions(connection: sqlite3.Connection) -> list[int]:
    """List the definitions that no run refers to, except the newest of each pipeline."""
    return [row[0] for row in connection.execute(_UNUSED_VERSIONS, (KEPT,))]


def delete_versions(connection: sqlite3.Connection, versions: Collection[int]) -> None:
    """Delete definitions."""
    connection.executemany("DELETE FROM version WHERE seq = ?", [(seq,) for seq in versions])


def set_mode(connection: sqlite3.Connection, pipeline: str, record: ModeRecord) -> None:
    """Set a pipeline's mode."""
    since = None if record.since is None else microseconds(record.since)
    connection.execute(_SET_MODE, (pipeline, record.mode.value, since, plain(record.reason)))


def read_modes(connection: sqlite3.Connection) -> dict[str, ModeRecord]:
    """Return the modes that were set."""
    rows = connection.execute("SELECT pipeline, mode, since, reason FROM mode")
    return {pipeline: ModeRecord(Mode(mode), optional_moment(since), reason) for pipeline, mode, since, reason in rows}


def step_through(connection: sqlite3.Connection, query: str) -> list[str]:
    """List pipelines by a query for the first one after another: cheaper than DISTINCT when each has many runs."""
    found: list[str] = []
    while row := connection.execute(query, (found[-1] if found else "",)).fetchone():
        found.append(row[0])
    return found


def not_running(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the pipelines that start no runs; their queued runs are held."""
    rows = connection.execute("SELECT pipeline FROM mode WHERE mode != ?", (Mode.RUNNING.value,))
    return frozenset(row[0] for row in rows)
