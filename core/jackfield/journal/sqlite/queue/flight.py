"""Remembers beside the journal which runs are being carried out, so that a process that dies leaves their names.

To mark each run in the journal before it starts would cost a commit. This is a small file that is mapped into memory:
to note something is to write a few bytes there, and the operating system keeps them when the process is gone, however
it went. Only a machine that loses its power loses what was noted last.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog

_MAGIC: Final = b"jackfl01"
_HEADER: Final = 256
_EXECUTING: Final = 8
"""Where the header says whose code is on the stack: the number of a slot, counted from 1."""
_SLOT: Final = struct.Struct("<QqII40s160s")
_SIZE: Final = 256
_SLOTS: Final = 1024
"""How many runs can be noted at a time; further ones are carried out without a note."""
_BYTES: Final = _HEADER + _SIZE * _SLOTS


class Flight(NamedTuple):
    """A run that was being carried out: which step, which attempt, since when, and whether its code was executing."""

    seq: int
    run: str
    step: str
    place: int
    number: int
    started_at: int
    executing: bool = False


class FlightRecorder:
    """The notes of one process. A recorder that could not be opened takes notes, too, and keeps none."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(".flights")
        self._file: mmap.mmap | None = None
        self._marks: memoryview | None = None
        self._free: list[int] = []

    def open(self) -> list[Flight]:
        """Begin; return what an earlier process left, which is nothing if that ended in good order."""
        try:
            self._file = _mapped(self._path)
        except OSError as error:
            message = "runs that end the process cannot be told from others"
            structlog.get_logger().warning(message, file=str(self._path), error=str(error))
            return []
        self._marks = memoryview(self._file)[_EXECUTING : _EXECUTING + 8].cast("Q")
        self._free = list(range(_SLOTS, 0, -1))
        return list(_left(self._file, self._marks[0]))

    def clear(self) -> None:
        """Forget what was left: it has been written down elsewhere."""
        if self._file is not None:
            self._file[:] = _MAGIC + bytes(_BYTES - len(_MAGIC))

    def close(self) -> None:
        """End in good order: nothing is under way, and no file is left."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._marks is not None:
            self._marks.release()
        if self._file is not None:
            self._file.close()
        self._file = self._marks = None

    def take_off(self) -> int:
        """Get a slot for a run; 0 stands for none."""
        return self._free.pop() if self._free else 0

    def land(self, slot: int) -> None:
        """Give a slot back: its run is not being carried out any more."""
        if slot and self._file is not None:
            at = _place(slot)
            self._file[at : at + 8] = bytes(8)
            self._free.append(slot)

    def note(self, slot: int, flight: Flight) -> None:
        """Write down what the run of this slot is at."""
        if slot and self._file is not None:
            seq, run, step, place, number, started_at, _ = flight
            names = run.encode()[:40], step.encode()[:160]
            _SLOT.pack_into(self._file, _place(slot), seq, started_at, place, number, *names)

    def mark(self, slot: int) -> None:
        """Say whose code is on the stack from now on; 0 says that it is nobody's."""
        if self._marks is not None:
            self._marks[0] = slot


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size != _BYTES:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, _MAGIC + bytes(_BYTES - len(_MAGIC)))  # no holes: a full disk must not matter later
        return mmap.mmap(descriptor, _BYTES)
    finally:
        os.close(descriptor)


def _left(file: mmap.mmap, executing: int) -> Iterator[Flight]:
    if file[: len(_MAGIC)] != _MAGIC:
        return
    for slot in range(1, _SLOTS + 1):
        seq, started_at, place, number, run, step = _SLOT.unpack_from(file, _place(slot))
        if seq:
            with suppress(UnicodeDecodeError):
                names = run.rstrip(b"\0").decode(), step.rstrip(b"\0").decode()
                yield Flight(seq, *names, place, number, started_at, slot == executing)


def _place(slot: int) -> int:
    return _HEADER + (slot - 1) * _SIZE
