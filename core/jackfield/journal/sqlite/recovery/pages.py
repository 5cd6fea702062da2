"""Reads a damaged SQLite file page by page, without SQLite, so that what is broken in one page costs no other.

SQLite finds rows by going down from the root of a table, and gives up where a page on the way is damaged. Here every
page is looked at by itself. The format is that of https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

MAGIC: Final = b"SQLite format 3\0"
_LOG_MAGICS: Final = {0x377F0682: "<", 0x377F0683: ">"}
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_SIZES: Final = frozenset(1 << power for power in range(9, 17))
_USUAL: Final = 4096
_DEEPEST: Final = 40
_ENTRY: Final = 5


class Use(IntEnum):
    """What a page is used for, as the file's own map of its pages says."""

    ROOT = 1
    FREE = 2
    OVERFLOW = 3
    MORE_OVERFLOW = 4
    TREE = 5


class _Entry(NamedTuple):
    use: Use | None
    parent: int


class _Frame(NamedTuple):
    """A page in the log: where it is, whether a transaction ends with it, and whether it is what was written."""

    page: int
    place: int
    committed: bool
    whole: bool


class Pages:
    """The pages of a journal, each as its log has it last, or else as the file has it."""

    def __init__(self, path: Path) -> None:
        self._file = _mapped(path)
        self._log = _mapped(path.with_name(path.name + "-wal"))
        self.size = _page_size(self._file, self._log)
        self._in_log: dict[int, int] = {}
        self.damaged_frames = 0
        """Pages in the log that are not what was written, so that earlier ones stand for them."""
        self._read_log()
        self.count = max(len(self._file) // self.size, *self._in_log, 0)
        self.rest = len(self._file) % self.size
        """Bytes of a page that was cut off at the file's end."""

    def __getitem__(self, number: int) -> bytes:
        """Return a page, counted from 1; nothing if there is none."""
        if (place := self._in_log.get(number)) is not None:
            return self._log[place : place + self.size]
        if not 1 <= number <= self.count:
            return b""
        page = self._file[(number - 1) * self.size : number * self.size]
        return page if len(page) == self.size else b""

    def use(self, number: int) -> Use | None:
        """Say what a page is used for; None if that cannot be known."""
        return self._entry(number).use

    def root(self, number: int) -> int | None:
        """Find the root of the table or index that a page belongs to; None if that cannot be known."""
        for _ in range(_DEEPEST):
            if number == 1:
                return 1
            use, parent = self._entry(number)
            if use is Use.ROOT:
                return number
            if use is not Use.TREE:
                return None
            number = parent
        return None

    def close(self) -> None:
        """Let go of the files."""
        for one in (self._file, self._log):
            if isinstance(one, mmap.mmap):
                one.close()

    def _read_log(self) -> None:
        """Find the pages that the log has, and where each of them is last.

        A frame counts if it is of this log's making, up to the last commit. One whose checksum is wrong is passed over.
        """
        waiting: dict[int, int] = {}
        damaged = 0
        for frame in _frames(self._log, self.size):
            if not frame.whole:
                damaged += 1
                continue
            waiting[frame.page] = frame.place
            self.damaged_frames += damaged  # at the end of the log it is what a crash leaves
            damaged = 0
            if frame.committed:
                self._in_log |= waiting
                waiting = {}

    def _entry(self, number: int) -> _Entry:
        """Read what the map says of a page: the map's pages are spread over the file, five bytes for each page."""
        index = (number - 2) % (self.size // _ENTRY + 1)
        if number == 1 or index == 0:
            return _Entry(None, 0)
        found = self[number - index][(index - 1) * _ENTRY : index * _ENTRY]
        known = len(found) == _ENTRY and Use.ROOT <= found[0] <= Use.TREE
        return _Entry(Use(found[0]), int.from_bytes(found[1:])) if known else _Entry(None, 0)


def _mapped(path: Path) -> mmap.mmap | bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if os.fstat(descriptor).st_size else b""
    finally:
        os.close(descriptor)


def _page_size(file: mmap.mmap | bytes, log: mmap.mmap | bytes) -> int:
    """Read the size of a page: from the file's header, or the log's; else it is the usual one."""
    size = int.from_bytes(file[16:18])
    if file[:16] == MAGIC and (size == 1 or size in _SIZES):
        return 65536 if size == 1 else size
    size = int.from_bytes(log[8:12])
    return size if size in _SIZES else _USUAL


def _frames(log: mmap.mmap | bytes, page_size: int) -> Iterator[_Frame]:
    order = _LOG_MAGICS.get(int.from_bytes(log[:4]))
    if order is None or len(log) < _LOG_HEADER:
        return
    salts, checksum = log[16:24], log[24:32]
    for start in range(_LOG_HEADER, len(log) - _FRAME_HEADER - page_size + 1, _FRAME_HEADER + page_size):
        header, place = log[start : start + _FRAME_HEADER], start + _FRAME_HEADER
        before, checksum = checksum, header[16:24]
        whole = _checksum(order, before, header[:8] + log[place : place + page_size]) == checksum
        if header[8:16] == salts:
            page, committed = struct.unpack(">II", header[:8])
            yield _Frame(page, place, bool(committed), whole)


def _checksum(order: str, before: bytes, data: bytes) -> bytes:
    first, second = struct.unpack(">II", before)
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return struct.pack(">II", first, second)
