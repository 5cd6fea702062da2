"""The file: its tables, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from jackfield.errors import JournalDamaged, JournalLost, JournalUnavailable
from jackfield.journal.audit import KEPT_DONE, KEPT_REFUSED, LEAST_DAYS
from jackfield.journal.sqlite.file.errors import explained
from jackfield.journal.sqlite.file.lock import is_worked_on

VERSION: Final = 3
BUSY_TIMEOUT: Final = 4.0
"""Seconds that a statement waits for another process's lock: a sender that waits ten must get its 503 before."""

_PREPARED: Final = 250
"""Statements that stay prepared: those for many rows are one for each number of rows."""

# A query finds a partial index only if it spells the condition on `state` as the index does.
# `payload` stands apart from `run` so that a change of state rewrites a short row, not the event and the request.
# `blocked`: an earlier run with the same order_key is not settled yet.
# `deaths`: at how many unclean ends of the host the coming step was being carried out; `blamed`: at how many of them
# it must have been this run that ended it.
# `number` counts the refused requests of one pipeline and status.
_AUDIT: Final = (
    """CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    refused INTEGER NOT NULL,
    place INTEGER NOT NULL,
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT""",
    "CREATE UNIQUE INDEX audit_placed ON audit (refused, place)",
    "CREATE INDEX audit_about ON audit (target)",
    """CREATE TRIGGER audit_stays_as_it_is BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'entries of the audit log are never changed'); END""",
    # REPLACE deletes without the trigger of DELETE; a row that is there as it is may be given again, for salvage does
    """CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE (seq = NEW.seq OR (refused = NEW.refused AND place = NEW.place))
    AND (seq, refused, place, digest, at, action, actor, via, address, target, detail, content)
    IS NOT (NEW.seq, NEW.refused, NEW.place, NEW.digest, NEW.at, NEW.action, NEW.actor, NEW.via, NEW.address,
        NEW.target, NEW.detail, NEW.content))
BEGIN SELECT RAISE(ABORT, 'entries of the audit log are never changed'); END""",
    f"""CREATE TRIGGER audit_goes_oldest_first BEFORE DELETE ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE refused = OLD.refused AND place < OLD.place)
    OR (OLD.place > (SELECT max(place) FROM audit WHERE refused = OLD.refused)
            - CASE OLD.refused WHEN 1 THEN {KEPT_REFUSED} ELSE {KEPT_DONE} END
        AND OLD.at > (SELECT at FROM audit ORDER BY seq DESC LIMIT 1) - {LEAST_DAYS * 86_400_000_000})
BEGIN SELECT RAISE(ABORT, 'entries of the audit log go when they are old, oldest first'); END""",  # noqa: S608 - numbers of ours
)
"""The audit log: nothing in it is changed, and only retention takes away what is old or too much."""

_TABLES: Final = """
CREATE TABLE run (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    replay_of TEXT,
    pipeline TEXT NOT NULL,
    version TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'queued',
    blocked INTEGER NOT NULL DEFAULT 0,
    received_at INTEGER NOT NULL,
    due_at INTEGER,
    finished_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    order_key TEXT,
    dedupe_key TEXT,
    warnings TEXT,
    error TEXT,
    repaired_by TEXT,
    replaced_by TEXT,
    set_aside TEXT,
    label TEXT,
    deaths INTEGER NOT NULL DEFAULT 0,
    blamed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_listed ON run (pipeline, state, received_at);
CREATE INDEX run_startable ON run (pipeline) WHERE state = 'queued' AND blocked = 0;
CREATE INDEX run_waiting ON run (due_at) WHERE state = 'waiting';
CREATE INDEX run_running ON run (state) WHERE state = 'running';
CREATE INDEX run_ordered ON run (pipeline, order_key)
    WHERE order_key IS NOT NULL AND state IN ('queued', 'running', 'waiting');
CREATE INDEX run_deduped ON run (pipeline, dedupe_key, received_at) WHERE dedupe_key IS NOT NULL;
CREATE INDEX run_replays ON run (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX run_standing ON run (pipeline, received_at, state, repaired_by, replaced_by, set_aside)
    WHERE state = 'failed' AND repaired_by IS NULL AND replaced_by IS NULL AND set_aside IS NULL;

CREATE TABLE payload (
    seq INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    blank TEXT,
    request TEXT NOT NULL
) STRICT;

CREATE TABLE attempt (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    step TEXT NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    elapsed_ms REAL NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    traceback TEXT,
    result TEXT,
    masked INTEGER NOT NULL,
    exchanges TEXT,
    version TEXT
) STRICT;
CREATE INDEX attempt_run ON attempt (run);

CREATE TABLE duplicate (
    run INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    event TEXT NOT NULL,
    blank TEXT,
    warnings TEXT
) STRICT;
CREATE INDEX duplicate_run ON duplicate (run);

CREATE TABLE refusal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    pipeline TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    number INTEGER NOT NULL,
    reason TEXT NOT NULL,
    accepted_as TEXT,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX refusal_numbered ON refusal (pipeline, status, number);
CREATE INDEX refusal_aged ON refusal (received_at, status);

CREATE TABLE version (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    kept_at INTEGER,
    UNIQUE (pipeline, id)
) STRICT;

CREATE TABLE mode (
    pipeline TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    since INTEGER,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
""" + "".join(f"{statement};\n" for statement in _AUDIT)


_REPAIRED_BEFORE: Final = """
WITH RECURSIVE repair (run, replay) AS (
    SELECT replay_of, id FROM run WHERE replay_of IS NOT NULL AND state IN ('succeeded', 'skipped')
    UNION
    SELECT run.replay_of, repair.replay FROM run JOIN repair ON run.id = repair.run WHERE run.replay_of IS NOT NULL
)
UPDATE run SET repaired_by = (SELECT min(replay) FROM repair WHERE repair.run = run.id)
WHERE state = 'failed' AND id IN (SELECT run FROM repair)
"""
"""Marks the failed runs that replays have repaired in a journal that did not note it down."""

_TO_VERSION_2: Final = ("ALTER TABLE version ADD COLUMN kept_at INTEGER",)
_TO_VERSION_3: Final[tuple[str, ...]] = (
    *_AUDIT,
    "ALTER TABLE run ADD COLUMN repaired_by TEXT",
    "ALTER TABLE run ADD COLUMN replaced_by TEXT",
    "ALTER TABLE run ADD COLUMN set_aside TEXT",
    "ALTER TABLE run ADD COLUMN label TEXT",
    "ALTER TABLE attempt ADD COLUMN version TEXT",
    "ALTER TABLE run ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN blamed INTEGER NOT NULL DEFAULT 0",
    _REPAIRED_BEFORE,
    """CREATE INDEX run_standing ON run (pipeline, received_at, state, repaired_by, replaced_by, set_aside)
    WHERE state = 'failed' AND repaired_by IS NULL AND replaced_by IS NULL AND set_aside IS NULL""",
)
"""What makes a file of format 2 one of format 3: one statement an entry."""

_MIGRATIONS: Final = {1: _TO_VERSION_2 + _TO_VERSION_3, 2: _TO_VERSION_3}
"""What makes a file of an earlier format one of this format."""


def open_journal(path: Path) -> sqlite3.Connection:
    """Connect for writing; a file that is not there is made, for this user's eyes only."""
    with explained(path):
        _refuse_remains(path)
        connection = make_file(path)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if _make_tables(connection, path):  # so that a journal that lost its log is never taken for a new file
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Connect for reading only, and make no file; may be closed by another thread than the one that reads."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
    with closed_on_failure(connection):
        connection.execute("PRAGMA query_only = ON")
    return connection


def make_file(path: Path) -> sqlite3.Connection:
    """Connect to a file in WAL mode that gives space back page by page; make it, mode 0600, if it is not there."""
    with suppress(FileExistsError):  # to close a descriptor of a file drops all locks that this process has on it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _connect(path)
    with closed_on_failure(connection):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded only as long as the file is empty
        connection.execute("PRAGMA journal_mode = WAL")
    return connection


@contextmanager
def closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection that turns out to be of no use."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def rewrite_header(connection: sqlite3.Connection) -> None:
    """Write the file's first page as it is: if that succeeds, so would a run."""
    connection.execute(f"PRAGMA user_version = {VERSION}")


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    pages, free, page_size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page_size)


def _connect(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=_PREPARED, uri=uri
    )


def _refuse_remains(path: Path) -> None:
    """Make no new journal where the remains of one are: SQLite would delete a log without its journal."""
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]
    beside += [path.with_suffix(".lock"), path.with_name(f"{path.stem}-search.db")]
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if is_worked_on(path):
            raise JournalLost(
                f"{path}: it is gone, and its host is writing it out again; try again in a moment"
            ) from None
        if not (beside[0].exists() and beside[0].stat().st_size):
            return
        what, left = "the file is gone", beside[:1]
    else:
        left = [name for name in beside if name.exists()]
        if size or not left:
            return
        what = "the file is empty"
    raise JournalDamaged(
        f"{path}: {what}, though there was a journal; put back a copy, or bring out what can be read with "
        f"`jackfield journal salvage`; only to begin a new journal, delete {', '.join(name.name for name in left)}"
    )


def _make_tables(connection: sqlite3.Connection, path: Path) -> bool:
    """Make the tables, or bring those of an earlier format up to date; say whether it was a new file."""
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        connection.execute("ROLLBACK")
        raise JournalUnavailable(
            f"{path}: the file is a database of something else; name another file in jackfield.toml under journal.url"
        )
    statements = _TABLES.split(";\n") if found == 0 else _MIGRATIONS.get(found, ())
    for statement in statements:
        connection.execute(statement)
    if found < VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if found > VERSION:
        raise JournalUnavailable(
            f"{path}: the file is from a newer Jackfield (its format is {found}, this one knows {VERSION}); "
            "install that version again, or name another file in jackfield.toml under journal.url"
        )
    return bool(found == 0)
