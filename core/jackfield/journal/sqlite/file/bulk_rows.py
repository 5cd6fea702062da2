"""Many rows in one statement.

SQLite lets go of Python's interpreter lock around every statement and then has to get it back, in which the writer's
thread and the event loop hold each other up. So what many wait for is written with few statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from jackfield.journal.sqlite.file.encoding import Row

_MOST: Final = 128
"""So many rows at once: each number of rows is a statement that stays prepared, and a long one takes 100 KB."""


def execute_rows(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> Iterator[Row]:
    """Execute a statement for all rows, `{values}` in it standing for them; yield what it returns."""
    for start in range(0, len(rows), _MOST):
        some = rows[start : start + _MOST]
        yield from connection.execute(statement.format(values=_values(some)), list(chain.from_iterable(some)))


def _values(rows: Sequence[Row]) -> str:
    row = f"({', '.join('?' * len(rows[0]))})"
    return f"VALUES {', '.join([row] * len(rows))}"
