"""The audit log's table: entries are added, each chained to the one before it, and go oldest first."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime, timedelta
from typing import Any, Final

from jackfield.journal.audit import (
    KEPT_DONE,
    KEPT_REFUSED,
    LEAST_DAYS,
    REFUSED,
    AuditAction,
    AuditCheck,
    AuditEntry,
    AuditQuery,
    NewAuditEntry,
    Via,
)
from jackfield.journal.sqlite.file.encoding import Row, dump, microseconds, moment, plain

_COLUMNS: Final = "at, action, actor, via, address, target, detail, content"
_LAST: Final = "SELECT place, digest FROM audit WHERE refused = ? ORDER BY place DESC LIMIT 1"
_INSERT: Final = f"""
INSERT INTO audit (refused, place, digest, {_COLUMNS})
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq
"""  # noqa: S608
_LIST: Final = f"""
SELECT seq, digest, {_COLUMNS} FROM audit
WHERE (:actor IS NULL OR actor = :actor) AND (:action IS NULL OR action = :action)
  AND (:target IS NULL OR target = :target) AND (:since IS NULL OR at >= :since) AND (:before IS NULL OR seq < :before)
ORDER BY seq DESC LIMIT :limit
"""  # noqa: S608
_CHAIN: Final = f"SELECT seq, digest, {_COLUMNS} FROM audit WHERE refused = ? ORDER BY place"  # noqa: S608
_OLD: Final = """
SELECT seq FROM audit WHERE refused = :refused
  AND (at < :before OR place <= (SELECT max(place) FROM audit WHERE refused = :refused) - :kept)
ORDER BY place LIMIT :limit
"""
_NEWEST: Final = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0), coalesce((SELECT max(seq) FROM audit), 0)
"""
"""The last number that SQLite has given to an entry, and the last that there is."""
_BATCH: Final = 500


def insert_entry(connection: sqlite3.Connection, entry: NewAuditEntry) -> AuditEntry:
    """Add an entry at the end of its chain."""
    refused, row = entry.action in REFUSED, _row(entry)
    place, before = connection.execute(_LAST, (refused,)).fetchone() or (0, "")
    digest = _digest(before, row)
    [(seq,)] = connection.execute(_INSERT, (refused, place + 1, digest, *row)).fetchall()
    return _read((seq, digest, *row))


def list_entries(connection: sqlite3.Connection, query: AuditQuery) -> list[AuditEntry]:
    """List entries, newest first."""
    values: dict[str, Any] = {
        "actor": query.actor,
        "action": query.action and query.action.value,
        "target": query.target,
        "since": query.since and microseconds(query.since),
        "before": query.before,
        "limit": query.limit,
    }
    return [_read(row) for row in connection.execute(_LIST, values)]


def has_content(connection: sqlite3.Connection, target: str, content: str) -> bool:
    """Tell whether the last entry about a file says that this is what it became."""
    query = "SELECT content FROM audit WHERE target = ? AND content != '' ORDER BY seq DESC LIMIT 1"
    row = connection.execute(query, (plain(target),)).fetchone()
    return row is not None and row[0] == content


def check_chain(connection: sqlite3.Connection) -> AuditCheck:
    """Compute every digest anew, and look whether the newest entry is there: retention takes the oldest ones only.

    Of the oldest entry of each chain nobody knows what it is chained to.
    """
    entries, broken = 0, None
    for refused in (False, True):
        before: str | None = None
        for seq, digest, *row in connection.execute(_CHAIN, (refused,)):
            entries += 1
            if before is not None and digest != _digest(before, tuple(row)):
                broken = min(seq, broken or seq)
            before = digest
    given, newest = connection.execute(_NEWEST).fetchone()
    if given > newest:
        broken = min(newest + 1, broken or given)
    return AuditCheck(entries, broken)


def prune_entries(connection: sqlite3.Connection, keep_days: int, now: datetime) -> int:
    """Delete some of the entries that are too old or too many; return how many went."""
    newest = connection.execute("SELECT at FROM audit ORDER BY seq DESC LIMIT 1").fetchone() or (0,)
    before = min(microseconds(now), newest[0]) - timedelta(days=max(keep_days, LEAST_DAYS)) // timedelta(microseconds=1)
    gone = 0
    for refused, kept in ((False, KEPT_DONE), (True, KEPT_REFUSED)):
        values = {"refused": refused, "before": before, "kept": kept, "limit": _BATCH}
        found = connection.execute(_OLD, values).fetchall()
        connection.executemany("DELETE FROM audit WHERE seq = ?", found)
        gone += len(found)
    return gone


def _row(entry: NewAuditEntry) -> Row:
    """Return `_COLUMNS`."""
    texts = (entry.actor, entry.via.value, entry.address, entry.target, entry.detail, entry.content)
    return (microseconds(entry.at), entry.action.value, *map(plain, texts))


def _read(row: Row) -> AuditEntry:
    seq, digest, at, action, actor, via, address, target, detail, content = row
    said = (moment(at), AuditAction(action), actor, Via(via), address, target, detail, content)
    return AuditEntry(*said, number=seq, digest=digest)


def _digest(before: str, row: Row) -> str:
    return hashlib.sha256(f"{before}\n{dump(list(row))}".encode()).hexdigest()
