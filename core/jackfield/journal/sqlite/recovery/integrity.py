"""Looks for damage in the journal's file, without changing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from jackfield.journal.sqlite.file.encoding import load

_MOST: Final = 20
"""How many findings are told: a damaged page may bring thousands."""
_ORPHANS: Final = {
    "runs have no event": "SELECT count(*) FROM run WHERE seq NOT IN (SELECT seq FROM payload)",
    "events have no run": "SELECT count(*) FROM payload WHERE seq NOT IN (SELECT seq FROM run)",
}
_TEXTS: Final = "SELECT seq, event, request FROM payload"


def look_for_damage(connection: sqlite3.Connection, *, whole: bool) -> list[str]:
    """Say what is damaged; nothing if nothing is found.

    The quick look reads every page of the tables. The `whole` one compares the indexes with them as well, and reads
    every event.
    """
    pragma = "integrity_check" if whole else "quick_check"
    found = [row[0] for row in connection.execute(f"PRAGMA {pragma}({_MOST})")]
    if found != ["ok"]:
        return found
    return list(_look_at_rows(connection)) if whole else []


def _look_at_rows(connection: sqlite3.Connection) -> Iterator[str]:
    for what, query in _ORPHANS.items():
        if count := connection.execute(query).fetchone()[0]:
            yield f"{count} {what}"
    unreadable = 0
    for _, *texts in connection.execute(_TEXTS):
        try:
            for text in texts:
                load(text)
        except ValueError:
            unreadable += 1
    if unreadable:
        yield f"{unreadable} events or requests are not what was written"
