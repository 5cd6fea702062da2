"""Knows whether the journal's three files are still those that the host has open, and as long as they have to be.

SQLite looks its files up by name only once: what is deleted, moved away or replaced under a running host goes on to be
written and is gone with the process. So the host keeps descriptors of its own, compares them with what has the names
now, and can read from them what the names do not lead to any more.

A descriptor of the journal is closed only after every connection to it: the system drops all locks that a process has
on a file as soon as it closes any descriptor of it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from jackfield.journal.sqlite.file.errors import explained, worked_on

SUFFIXES: Final = ("", "-wal", "-shm")
"""What SQLite's files are called: the journal, its write-ahead log, and the log's index."""

_BEGINNING: Final = 24
_INDEX_HEADER: Final = 136  # two copies of 48 bytes, then how far the log is in the file already
_LOG_STATE: Final = struct.Struct("=HII")
_BACKFILLED: Final = struct.Struct("=I")
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_TRIES: Final = 2
_PAUSE: Final = 0.01

# SQLite's own locks are on the 512 bytes from 1 GB on. Nothing else is so far out as this one.
_LOCK: Final = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1 << 62, 1, 0)
_UNLOCK: Final = struct.pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 1 << 62, 1, 0)
_SHARED: Final = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0x40000002, 510, 0)
_EXCLUSIVE: Final = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0x40000002, 510, 0)
_SET_LOCK: Final[int | None] = getattr(fcntl, "F_OFD_SETLK", None)  # Linux; elsewhere the lock file has to do
_GET_LOCK: Final[int | None] = getattr(fcntl, "F_OFD_GETLK", None)

Identity = tuple[int, int]


class Harm(NamedTuple):
    """What is wrong with the files. `readable`: the open descriptors still lead to all of it."""

    reason: str
    readable: bool


class _LogState(NamedTuple):
    """What the log's index says: frames in the log, pages of the journal, how many frames are in the file already."""

    frames: int
    pages: int
    page_size: int
    backfilled: int


class JournalFiles:
    """The journal's files as the host has opened them. Made when SQLite has them open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = [path.with_name(path.name + suffix) for suffix in SUFFIXES]
        self.descriptors: list[int] = []
        self._identities: list[Identity] = []
        try:
            with explained(path):
                for name, flags in zip(self._names, (os.O_RDWR, os.O_RDONLY, os.O_RDONLY), strict=True):
                    self.descriptors.append(os.open(name, flags | os.O_CLOEXEC))
                    self._identities.append(_identity(os.fstat(self.descriptors[-1])))
        except BaseException:
            self.close()
            raise
        self._length = os.fstat(self.descriptors[0]).st_size
        self._begins = self._beginning()
        self._fewest = self._log_state().pages

    def lock(self) -> None:
        """Keep other hosts from working on this file, even if the lock file is gone, or raise `JournalUnavailable`."""
        if _SET_LOCK is not None:
            try:
                fcntl.fcntl(self.descriptors[0], _SET_LOCK, _LOCK)
            except (BlockingIOError, PermissionError) as error:
                raise worked_on(self._path) from error

    def unlock(self) -> None:
        """Let another host work on it."""
        if _SET_LOCK is not None:
            fcntl.fcntl(self.descriptors[0], _SET_LOCK, _UNLOCK)

    def leave_the_log(self) -> None:
        """Keep SQLite from deleting by name, with the last connection, what is another log by now."""
        if _SET_LOCK is not None:
            with suppress(OSError):  # another process has just opened it; then this is not the last connection
                fcntl.fcntl(self.descriptors[0], _SET_LOCK, _SHARED)

    def close(self) -> None:
        """Close the descriptors. Every connection to the files has to be closed before."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []

    def look(self) -> Harm | None:
        """Say what is wrong; None if nothing is. It takes microseconds."""
        if (moved := self._moved()) is not None:
            return moved
        if (spoilt := self._spoilt()) is None:
            return None
        for _ in range(_TRIES):  # another process may have been in the middle of a commit
            time.sleep(_PAUSE)
            if (spoilt := self._spoilt()) is None:
                return None
        return Harm(f"{spoilt} was cut off or overwritten while the host had it open", readable=False)

    def owns(self, name: Path) -> bool:
        """Say whether this name leads to one of the files."""
        try:
            return _identity(name.stat()) in self._identities
        except OSError:
            return False

    def names(self) -> Iterator[Path]:
        """Name what the files are to be called."""
        return iter(self._names)

    def _moved(self) -> Harm | None:
        for name, identity in zip(self._names, self._identities, strict=True):
            try:
                found = name.stat()
            except FileNotFoundError:
                return Harm(f"{name.name} was deleted or moved away while the host had it open", readable=True)
            except OSError as error:
                return Harm(f"{name.name} cannot be looked at: {error.strerror}", readable=True)
            if (found.st_dev, found.st_ino) != identity:
                return Harm(f"another file was put in the place of {name.name} under the host", readable=True)
        return None

    def _spoilt(self) -> str | None:
        """Name the file that is shorter than it has to be, or begins otherwise than it did."""
        state = self._log_state()
        if self._beginning() != self._begins:
            return self._names[0].name
        if os.fstat(self.descriptors[1]).st_size < _least_log(state):
            return self._names[1].name
        length, least = os.fstat(self.descriptors[0]).st_size, state.pages * state.page_size
        self._fewest = min(self._fewest, state.pages)
        if state.backfilled < state.frames:  # so long as it was, unless pages were given back since
            least = min(self._length, self._fewest * state.page_size)
        if length < max(least, state.page_size):
            return self._names[0].name
        if length <= self._fewest * state.page_size:
            self._fewest = state.pages
        self._length = length
        return None

    def _beginning(self) -> bytes:
        """Read what no transaction changes in the journal's header: that it is SQLite's, and the size of its pages."""
        return os.pread(self.descriptors[0], _BEGINNING, 0)

    def _log_state(self) -> _LogState:
        header = os.pread(self.descriptors[2], _INDEX_HEADER, 0)
        if len(header) < _INDEX_HEADER:  # cut off itself: no log is as long as this asks for
            return _LogState(1 << 31, 0, 1, 0)
        size, frames, pages = _LOG_STATE.unpack_from(header, 14)
        (backfilled,) = _BACKFILLED.unpack_from(header, 96)
        return _LogState(frames, pages, (size & 0xFE00) + ((size & 1) << 16), backfilled)


def in_use(path: Path) -> bool:
    """Say whether another process has a journal open. Only for a file that this process has no connection to."""
    if _GET_LOCK is None:
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = fcntl.fcntl(descriptor, _GET_LOCK, _EXCLUSIVE)
    finally:
        os.close(descriptor)
    kind: int = struct.unpack("hhqqi4x", found)[0]
    return kind != fcntl.F_UNLCK


def _least_log(state: _LogState) -> int:
    return _LOG_HEADER + state.frames * (state.page_size + _FRAME_HEADER) if state.frames else 0


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
