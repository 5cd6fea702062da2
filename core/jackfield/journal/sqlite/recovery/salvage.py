"""Brings out of a damaged journal what can be read, into a new one, and says what could not.

Every page is read by itself (`pages`, `cells`), and every row is put into the new journal that a table there can hold.
What a run's own row has lost is put together again from the indexes that name it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from jackfield.errors import JournalError, JournalUnavailable
from jackfield.journal.records import SETTLED, State
from jackfield.journal.sqlite.file.encoding import dump, load, microseconds
from jackfield.journal.sqlite.file.errors import explained
from jackfield.journal.sqlite.file.identity import in_use
from jackfield.journal.sqlite.file.schema import open_journal
from jackfield.journal.sqlite.recovery.cells import Row, Value, rows_of
from jackfield.journal.sqlite.recovery.pages import Pages, Use
from jackfield.journal.sqlite.recovery.table_shape import NO_REQUEST, read_table

LOST_EVENT: Final = "the event of this run was lost: the journal's file was damaged"
_SCHEMA: Final = 1
"""The root of the table of tables."""
_WITH_ROWS: Final = (0x02, 0x0A, 0x0D)
_FOUND: Final = """
CREATE TEMP TABLE found_id (seq INTEGER PRIMARY KEY, id TEXT);
CREATE TEMP TABLE found_place (seq INTEGER PRIMARY KEY, pipeline TEXT, state TEXT, received_at INTEGER);
"""
_REBUILD: Final = """
INSERT OR IGNORE INTO run (seq, id, root, pipeline, version, state, received_at, finished_at)
SELECT payload.seq, found_id.id, found_id.id, pipeline, '', CASE state WHEN 'running' THEN 'queued' ELSE state END,
    received_at, CASE WHEN state IN ('succeeded', 'skipped', 'failed', 'cancelled') THEN received_at END
FROM payload JOIN found_id USING (seq) JOIN found_place USING (seq)
WHERE payload.seq NOT IN (SELECT seq FROM run)
"""
_ORPHANS: Final = "SELECT seq, event, request FROM payload WHERE seq NOT IN (SELECT seq FROM run)"
_EMPTY: Final = "SELECT seq, state, warnings FROM run WHERE seq NOT IN (SELECT seq FROM payload)"
_MARK_EMPTY: Final = """
UPDATE run SET state = ?, finished_at = coalesce(finished_at, ?), error = coalesce(?, error), warnings = ? WHERE seq = ?
"""
_TIDY: Final = (
    "DELETE FROM attempt WHERE run NOT IN (SELECT seq FROM run)",
    "DELETE FROM duplicate WHERE run NOT IN (SELECT seq FROM run)",
    "DELETE FROM payload WHERE seq NOT IN (SELECT seq FROM run)",
    "UPDATE run SET state = 'queued' WHERE state = 'running'",
    "UPDATE run SET state = 'queued', due_at = NULL WHERE state = 'waiting' AND due_at IS NULL",
    """UPDATE run SET blocked = EXISTS (
        SELECT 1 FROM run AS earlier WHERE earlier.pipeline = run.pipeline AND earlier.order_key = run.order_key
        AND earlier.seq < run.seq AND earlier.state IN ('queued', 'running', 'waiting')
    ) WHERE order_key IS NOT NULL AND state IN ('queued', 'waiting')""",
)


class Unplaced(NamedTuple):
    """An event that is whole, though nothing says any more which pipeline it was for."""

    seq: int
    event: str
    request: str


@dataclass(slots=True)
class Salvage:
    """What came out of a damaged journal, and what did not."""

    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were brought out, by table."""
    pages: int = 0
    damaged_pages: Counter[str] = field(default_factory=Counter)
    """Pages that nothing could be read in, by table."""
    damaged_frames: int = 0
    """Pages in the log that could not be used; an earlier state stands for them."""
    damaged_rows: Counter[str] = field(default_factory=Counter)
    """Rows that could not be read, by table; `?` where even that is unknown."""
    patched_rows: int = 0
    """Rows that lost a part which they can do without."""
    rebuilt: int = 0
    """Runs put together from indexes."""
    without_event: list[str] = field(default_factory=list)
    """Runs whose events were lost."""
    unplaced: list[Unplaced] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        lost = (
            self.damaged_pages.total(),
            self.damaged_frames,
            self.damaged_rows.total(),
            self.patched_rows,
            self.rebuilt,
        )
        return not any(lost) and not self.without_event and not self.unplaced


def salvage(source: Path, target: Path, now: datetime) -> Salvage:
    """Bring out of `source`, and of the log beside it, what can be read, into the new journal `target`.

    The files are only read. Raises `JournalError` if they are in use, if there are none, or if `target` is there.
    """
    with explained(source):
        _refuse(source, target)
        with closing(Pages(source)) as pages, closing(open_journal(target)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            found = _Salvor(pages, connection).run(microseconds(now))
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return found


def _refuse(source: Path, target: Path) -> None:
    log = source.with_name(source.name + "-wal")
    if not any(path.exists() and path.stat().st_size for path in (source, log)):
        raise JournalError(f"{source}: there is nothing in this file")
    if target.exists():
        raise JournalError(f"{target} is there already; name another file with --into")
    if source.exists() and in_use(source):
        raise JournalUnavailable(f"{source}: another process has it open; stop the host, or name a copy of its files")


class _Salvor:
    """Reads one journal and fills another."""

    def __init__(self, pages: Pages, connection: sqlite3.Connection) -> None:
        self._pages = pages
        self._connection = connection
        self._report = Salvage(pages=pages.count, damaged_frames=pages.damaged_frames)
        self._roots = dict(_roots(pages))
        listed = connection.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
        names = [(name, bool(indexed)) for name, indexed in listed if not name.startswith("sqlite_")]
        self._tables = {name: read_table(connection, name, indexed=indexed) for name, indexed in names}

    def run(self, now: int) -> Salvage:
        connection = self._connection
        connection.executescript(_FOUND)
        connection.execute("BEGIN")
        for number in range(2, self._pages.count + 1):
            self._take(number)
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        self._put_together(now)
        connection.execute("COMMIT")
        for name in self._tables:
            self._report.rows[name] = connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
        return self._report

    def _take(self, number: int) -> None:
        """Bring out what one page has."""
        use = self._pages.use(number)
        if use in (Use.FREE, Use.OVERFLOW, Use.MORE_OVERFLOW):
            return
        root = self._pages.root(number)
        if root == _SCHEMA:
            return
        owner = None if root is None else self._roots.get(root)
        if owner is None and use is None and not self._looks_alive(number):
            return
        rows = list(rows_of(self._pages, number, table=owner in self._tables))
        if owner is not None and owner in self._tables and not rows and not _may_have_none(self._pages[number]):
            self._report.damaged_pages[owner] += 1
        for row in rows:
            self._take_row(owner, row)

    def _looks_alive(self, number: int) -> bool:
        page = self._pages[number]
        return bool(page) and page[0] in _WITH_ROWS

    def _take_row(self, owner: str | None, row: Row | None) -> None:
        if row is None:
            if owner is None or owner in self._tables:
                self._report.damaged_rows[owner or "?"] += 1
        elif owner is None:
            if row.number is not None and (name := self._table_of(row)) is not None:
                self._insert(name, row)
        elif owner in self._tables:
            self._insert(owner, row)
        else:
            self._note_index(owner, row.values)

    def _table_of(self, row: Row) -> str | None:
        """Tell by its looks which table a row was in."""
        return next((name for name in self._tables if self._tables[name].fit(row) is not None), None)

    def _note_index(self, owner: str, values: Sequence[Value]) -> None:
        """Remember what the indexes say of runs."""
        match values:
            case (str(id), int(seq)) if owner == "sqlite_autoindex_run_1":
                self._connection.execute("INSERT OR IGNORE INTO found_id VALUES (?, ?)", (seq, id))
            case (str(pipeline), str(state), int(received_at), int(seq)) if owner == "run_listed" and state in set(
                State
            ):
                row = (seq, pipeline, state, received_at)
                self._connection.execute("INSERT OR IGNORE INTO found_place VALUES (?, ?, ?, ?)", row)

    def _insert(self, name: str, row: Row) -> None:
        fitted = self._tables[name].fit(row)
        try:
            if fitted is not None:
                self._connection.execute(self._tables[name].insert, fitted.values)
        except sqlite3.Error:
            fitted = None
        if fitted is None:
            self._report.damaged_rows[name] += 1
        else:
            self._report.patched_rows += fitted.patched

    def _put_together(self, now: int) -> None:
        """Rebuild runs from indexes; mark those whose events are lost; drop what belongs to no run."""
        connection, report = self._connection, self._report
        report.rebuilt = connection.execute(_REBUILD).rowcount
        report.unplaced = [Unplaced(*row) for row in connection.execute(_ORPHANS)]
        for seq, state, warnings in connection.execute(_EMPTY).fetchall():
            report.without_event.append(connection.execute("SELECT id FROM run WHERE seq = ?", (seq,)).fetchone()[0])
            connection.execute("INSERT INTO payload VALUES (?, '{}', NULL, ?)", (seq, dump(NO_REQUEST)))
            ended = state in SETTLED
            said = dump([*(load(warnings) if warnings else ()), LOST_EVENT])
            row = (state if ended else State.FAILED.value, now, None if ended else LOST_EVENT, said, seq)
            connection.execute(_MARK_EMPTY, row)
        for statement in _TIDY:
            connection.execute(statement)


def _roots(pages: Pages) -> Iterator[tuple[int, str]]:
    """Read from the schema which table or index has its root where."""
    for number in range(1, pages.count + 1):
        if pages.root(number) == _SCHEMA:
            for row in rows_of(pages, number):
                match row and row.values:
                    case (str(), str(name), str(), int(root), *_) if root:
                        yield root, name


def _may_have_none(page: bytes) -> bool:
    """Say whether there need not be a row in a page: it leads to others, or is a leaf without any."""
    return page[:1] == b"\x05" or (page[:1] in (b"\x0d", b"\x0a") and page[3:5] == b"\0\0")
