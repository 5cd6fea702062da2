"""What SQLite complains about, said so that an operator can act on it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jackfield.errors import JournalDamaged, JournalUnavailable

_PRIMARY: Final = 0xFF  # an extended result code carries the primary one in its lowest byte
_MB: Final = 1_000_000
_FULL: Final = 16 * _MB
"""With less room than this a disk counts as full: one commit may take as much."""

_DAMAGED: Final = (
    "the file is damaged; stop the host, and bring out what can be read with `jackfield journal salvage`, or put back"
    " a copy"
)
_LOCKED: Final = "another process keeps it locked; end that process (a backup, a database shell)"
_MEANINGS: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_TOOBIG: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; put back a copy, or move it away to begin a new one",
    sqlite3.SQLITE_READONLY: "it may not be written; give this user the right to write the file and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened; give this user the right to read and write it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see that its folder exists and is this user's to write in",
    sqlite3.SQLITE_INTERRUPT: "it is being written out again; try again in a moment",
}
_DAMAGES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_NOTADB})
_BROKEN_READS: Final = frozenset({"SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_DATA", "SQLITE_IOERR_CORRUPTFS"})
_BROKEN_TABLES: Final = ("no such table", "no such column", "malformed", "Could not decode")
"""How SQLite and Python's module for it begin messages of damage that have no error code of their own."""


def unavailable(path: Path, error: sqlite3.Error | OSError | UnicodeDecodeError) -> JournalUnavailable:
    """Say which file, what is wrong with it, and what to do."""
    if isinstance(error, UnicodeDecodeError):  # SQLite itself repeats what it has found in a damaged file
        return damaged(path)
    if isinstance(error, OSError):
        reason = f"{error.strerror or error}; see that its folder exists and is this user's to write in"
        return JournalUnavailable(f"{path}: {reason}")
    code: int = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    name: str = getattr(error, "sqlite_errorname", "")
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if name in _BROKEN_READS or (code in (0, sqlite3.SQLITE_ERROR) and str(error).startswith(_BROKEN_TABLES)):
        return JournalDamaged(f"{path}: {_DAMAGED}")
    if code == sqlite3.SQLITE_IOERR:
        return JournalUnavailable(f"{path}: the disk does not read or write ({name}); look at the system log")
    kind = JournalDamaged if code in _DAMAGES else JournalUnavailable
    return kind(f"{path}: {_MEANINGS.get(code, f'SQLite says: {error}')}")


def damaged(path: Path) -> JournalDamaged:
    """Say that the file does not have what was written into it."""
    return JournalDamaged(f"{path}: {_DAMAGED}")


def worked_on(path: Path) -> JournalUnavailable:
    """Say that another host has the journal."""
    return JournalUnavailable(
        f"{path}: another host is working on this journal; stop it, or give this one another file "
        "in jackfield.toml under journal.url"
    )


def _full(path: Path) -> JournalUnavailable:
    """Tell a full disk from a file that says of itself that it can grow no more, as a damaged one may."""
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        free = 0
    if free < _FULL:
        return JournalUnavailable(f"{path}: the disk is full; make room on it")
    return JournalUnavailable(
        f"{path}: the file cannot grow, though {free // _MB} MB are free on its disk: a quota is used up, or the file "
        "is damaged; look at it with `jackfield doctor --integrity`"
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the file system raises within into `JournalUnavailable`."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise unavailable(path, error) from error
