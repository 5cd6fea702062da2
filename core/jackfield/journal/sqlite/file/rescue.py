"""Writes the journal out again when its files were taken away from under the host, and everything is still readable.

What is deleted or moved away stays readable as long as somebody has it open. So the host copies it from its own
descriptors to a new file, looks at it, gives it the journal's name, and goes on with that one. A stranger's file that
has taken the name is put aside, never written over.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from jackfield.errors import JournalDamaged, JournalLost, JournalUnavailable
from jackfield.journal.sqlite.file.errors import unavailable
from jackfield.journal.sqlite.file.identity import SUFFIXES, Harm, JournalFiles, in_use
from jackfield.journal.sqlite.file.readers import Readers
from jackfield.journal.sqlite.file.schema import open_journal

TRY_EVERY: Final = 2.0
"""Seconds from one try to write the journal out again to the next."""

_CHUNK: Final = 1 << 20
_ASIDE: Final = "{name}.found-{at:%Y%m%dT%H%M%S%f}"


class Guard:
    """Watches over the files of a journal that a host works on. All but `close` is called by the writer's thread."""

    def __init__(self, path: Path, readers: Readers) -> None:
        self._path = path
        self._readers = readers
        self._files: JournalFiles | None = None
        self.lost: JournalUnavailable | None = None
        """Why nothing can be written: the files are not those that were opened."""
        self._try_at = 0.0
        self._logged = ""

    def arm(self) -> None:
        """Begin: the files are this host's. Raises `JournalUnavailable` if another host has them."""
        if self._files is None:
            self._files = JournalFiles(self._path)
        self._files.lock()

    def disarm(self) -> None:
        """Let another host have the files."""
        if self._files is not None:
            self._files.unlock()

    def leave(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Prepare for the end of the connections, with a last try to write the journal out again if it is lost.

        With the last connection SQLite deletes the log by its name. It must not if that is a stranger's by now, or has
        what the journal's file has lost.
        """
        self._try_at = 0.0
        connection = self.see(connection)
        files = self._files
        if files is not None and self.lost is not None:
            files.leave_the_log()
        return connection

    def close(self) -> None:
        """Let go of the files, when there is no connection to them any more."""
        if self._files is not None:
            self._files.close()
            self._files = None

    def see(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Look at the files; if they were taken away, write the journal out again and return a connection to it."""
        harm = None if self._files is None else self._files.look()
        if self.lost is None:
            if harm is None:
                return connection
            self._bar(self._said(harm))
            structlog.get_logger().critical("the journal's files were taken away", problem=str(self.lost))
        if isinstance(self.lost, JournalLost) and monotonic() >= self._try_at:
            return self._restored(connection, harm)
        return connection

    def _restored(self, connection: sqlite3.Connection, harm: Harm | None) -> sqlite3.Connection:
        try:
            restored = self._rescue(connection)
        except (JournalUnavailable, sqlite3.Error, OSError) as error:
            why = self._why(error)
            self._bar(JournalLost(why) if harm is None else self._said(harm, why))
            self._try_at = monotonic() + TRY_EVERY
            if why != self._logged:  # it is tried again each second, and would be said as often
                structlog.get_logger().error("the journal cannot be written out again yet", problem=why)
            self._logged = why
            return connection
        self.lost = self._readers.barred = None
        self._logged = ""
        structlog.get_logger().warning("the journal was written out again, and goes on", file=str(self._path))
        return restored

    def _bar(self, lost: JournalUnavailable) -> None:
        """Let nobody open the files by name: who knows what has it."""
        self.lost = self._readers.barred = lost

    def _why(self, error: JournalUnavailable | sqlite3.Error | OSError) -> str:
        if isinstance(error, OSError):
            return error.strerror or str(error)
        said = str(error if isinstance(error, JournalUnavailable) else unavailable(self._path, error))
        return said.removeprefix(f"{self._path}: ")

    def note(self, error: Exception | None) -> None:
        """Hear what a transaction came to, and remember it if the file is damaged."""
        if isinstance(error, JournalDamaged):
            self._readers.note(error)

    def _said(self, harm: Harm, why: str = "") -> JournalUnavailable:
        if not harm.readable:
            return JournalDamaged(
                f"{self._path}: {harm.reason}; stop the host, and put back a copy, or bring out what can be read with "
                "`jackfield journal salvage`"
            )
        if why:
            return JournalLost(f"{self._path}: {harm.reason}; it cannot be written out again yet: {why}")
        return JournalLost(f"{self._path}: {harm.reason}; it is being written out again")

    def _rescue(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Write the journal out again and return a connection to it; the old one is closed.

        Raises `JournalUnavailable`, `OSError` or `sqlite3.Error` if that cannot be done now; it may be tried again.
        """
        if self._files is not None:
            made = self._path.with_name(f"{self._path.name}.partial")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _copy(self._files, connection, made)
            _look_through(made)
            self._change_over(self._files, connection, made)
        opened = open_journal(self._path)
        try:
            self._files = JournalFiles(self._path)
            self._files.lock()
        except BaseException:
            opened.close()
            raise
        return opened

    def _change_over(self, files: JournalFiles, connection: sqlite3.Connection, made: Path) -> None:
        with self._readers.halted():
            self._put_in_place(files, made)
            files.leave_the_log()
            connection.close()
            self._files = None
            files.close()

    def _put_in_place(self, files: JournalFiles, made: Path) -> None:
        now = datetime.now(UTC)
        names = list(files.names())
        strange = [name for name in names if os.path.lexists(name) and not files.owns(name)]
        if names[0] in strange and names[0].is_file() and in_use(names[0]):
            raise JournalLost(f"another process has the file open that took the place of {names[0].name}; end it")
        for name in strange:
            aside = names[0].with_name(_ASIDE.format(name=names[0].name, at=now) + _suffix(name, names[0]))
            name.rename(aside)
            structlog.get_logger().warning(
                "put aside, for it is not this host's journal", file=name.name, now=aside.name
            )
        if os.path.lexists(names[0]):
            made.replace(names[0])
        else:
            os.link(made, names[0])  # which never takes the place of a file that has just come
            made.unlink()
        _sync_folder(self._path.parent)
        for name in names[1:]:  # the log of the old file: what it had is in the new one
            name.unlink(missing_ok=True)


def _copy(files: JournalFiles, connection: sqlite3.Connection, target: Path) -> None:
    """Copy the journal and its log, while nobody writes."""
    for path in (target.with_name(target.name + suffix) for suffix in SUFFIXES):
        path.unlink(missing_ok=True)
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    with suppress(sqlite3.Error):  # the log's index may be nobody's any more; what is written then was promised to none
        connection.execute("BEGIN IMMEDIATE")
    try:
        for descriptor, suffix in zip(files.descriptors, SUFFIXES[:2], strict=False):
            _write_out(descriptor, target.with_name(target.name + suffix))
    finally:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


def _write_out(source: int, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with closing(os.fdopen(descriptor, "wb")) as file:
        for chunk in _chunks(source):
            file.write(chunk)
        file.flush()
        os.fsync(descriptor)


def _chunks(source: int) -> Iterator[bytes]:
    place = 0
    while chunk := os.pread(source, _CHUNK, place):
        yield chunk
        place += len(chunk)


def _look_through(made: Path) -> None:
    """Take the log into the copy, and see that it is whole."""
    with closing(open_journal(made)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if busy or found != "ok":
        raise JournalDamaged(f"the copy is not whole: {found}")
    descriptor = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _suffix(name: Path, journal: Path) -> str:
    return name.name.removeprefix(journal.name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
