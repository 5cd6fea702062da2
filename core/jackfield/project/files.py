"""Writes files of a project: each whole or not at all, under a lock that keeps other writers out."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of a file that only its owner may read."""


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner may open; one that is there is closed to others, if it is ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        with suppress(PermissionError):
            folder.chmod(0o700)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other threads and processes that take this lock out until the block ends.

    The lock is on a folder, or on a file, which is made if it is not there. Whoever reads a file, changes it and writes
    it back takes the lock first: what somebody else writes in between would be gone again.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Put a file in another one's place: a reader sees the old one or the new one, also after the power fails."""
    with _written_beside(path, content, mode) as beside:
        beside.replace(path)


def make_file(path: Path, content: bytes) -> None:
    """Make a private file unless it is there: of two processes that make it, the first one wins."""
    with _written_beside(path, content, PRIVATE) as beside, suppress(FileExistsError):
        path.hardlink_to(beside)


@contextmanager
def _written_beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Write a file beside another one and onto the disk; the block gives it its name, and that is on the disk, too."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".new")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        yield beside
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
