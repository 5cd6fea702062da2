"""What SQLite complains about, said so that an operator can act on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jackfield.errors import JournalUnavailable

_PRIMARY: Final = 0xFF  # an extended result code carries the primary one in its lowest byte

_MEANINGS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; make room on it",
    sqlite3.SQLITE_BUSY: "another process keeps it locked; end that process (a backup, a database shell)",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked; end that process (a backup, a database shell)",
    sqlite3.SQLITE_IOERR: "the disk does not read or write; look at the system log",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; put back a copy, or move it away to begin a new one",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; put back a copy, or move it away to begin a new one",
    sqlite3.SQLITE_READONLY: "it may not be written; give this user the right to write the file and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened; give this user the right to read and write it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see that its folder exists and is this user's to write in",
}


def unavailable(path: Path, error: sqlite3.Error | OSError) -> JournalUnavailable:
    """Say which file, what is wrong with it, and what to do."""
    if isinstance(error, OSError):
        reason = f"{error.strerror or error}; see that its folder exists and is this user's to write in"
    else:
        code: int = getattr(error, "sqlite_errorcode", 0)
        reason = _MEANINGS.get(code & _PRIMARY, f"SQLite says: {error}")
    return JournalUnavailable(f"{path}: {reason}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the file system raises within into `JournalUnavailable`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unavailable(path, error) from error
