"""What a row of each of the journal's tables is, so that a row of unknown state can be judged by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic_core import from_json

from jackfield.journal.records import Mode, Outcome, State, StoredRequest
from jackfield.journal.sqlite.file.encoding import dump, load
from jackfield.journal.sqlite.recovery.cells import Row, Value

NO_REQUEST: Final = StoredRequest("", "", (), "", cut=True)
_JSON: Final = frozenset({"event", "blank", "request", "warnings", "result", "exchanges", "accepted_as"})
_WORDS: Final = {"state": frozenset(State), "outcome": frozenset(Outcome), "mode": frozenset(Mode)}
_TYPES: Final[dict[str, tuple[type, ...]]] = {"INTEGER": (int,), "TEXT": (str,), "REAL": (float, int)}


class _Column(NamedTuple):
    name: str
    types: tuple[type, ...]
    needed: bool
    default: Value


class Fitted(NamedTuple):
    """A row that a table can hold; `patched`: without what was damaged in it."""

    values: Sequence[Value]
    patched: bool


class Table(NamedTuple):
    """What a row of a table is. `numbered`: its first column is the row's number; `indexed`: it has no such number."""

    columns: Sequence[_Column]
    numbered: bool
    indexed: bool
    insert: str

    def fit(self, row: Row) -> Fitted | None:
        """Make a row of the table out of what was read; None if that cannot be."""
        columns, values = self.columns, row.values
        if (row.number is None) != self.indexed or len(values) > len(columns):
            return None
        if self.numbered and values[:1] != (None,):
            return None
        given = [row.number, *values[1:]] if self.numbered else [*values]
        given += [column.default for column in columns[len(values) :]]
        fitted = [_fit_value(column, value) for column, value in zip(columns, given, strict=True)]
        if any(value is None and column.needed for column, value in zip(columns, fitted, strict=True)):
            return None
        return Fitted(fitted if self.numbered or self.indexed else [row.number, *fitted], fitted != given)


def read_table(connection: sqlite3.Connection, name: str, *, indexed: bool) -> Table:
    """Read from a journal what a row of one of its tables is."""
    rows = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (name,)
    ).fetchall()
    columns = [
        _Column(name, _TYPES[kind], bool(needed or key), _default(text)) for name, kind, needed, text, key in rows
    ]
    numbered = not indexed and rows[0][1] == "INTEGER" and bool(rows[0][4])
    names = [column.name for column in columns]
    if not numbered and not indexed:
        names.insert(0, "rowid")
    insert = f"INSERT OR IGNORE INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    return Table(columns, numbered, indexed, insert)


def _default(text: str | None) -> Value:
    return None if text is None or text == "NULL" else int(text) if text.lstrip("-").isdigit() else text.strip("'")


def _fit_value(column: _Column, value: Value) -> Value:
    """Return a value that the column may have; None if this one is damaged."""
    if value is None or not isinstance(value, column.types):
        return None
    if (words := _WORDS.get(column.name)) is not None and value not in words:
        return None
    if column.name in _JSON and not _is_json(str(value)):
        return dump(NO_REQUEST) if column.name == "request" else None
    return value


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ValueError:
        try:
            load(text)
        except ValueError:
            return False
    return True
