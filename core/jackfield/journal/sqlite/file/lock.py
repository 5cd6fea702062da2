"""Sees to it that only one host works on a journal. `JournalFiles.lock` does the same if this file is deleted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jackfield.journal.sqlite.file.errors import explained, worked_on


@contextmanager
def working_alone(path: Path) -> Iterator[None]:
    """Hold the lock file beside the journal. The system lets go of it when the process ends, however it ends."""
    lock = path.with_suffix(".lock")
    with explained(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise worked_on(path) from error
        yield
    finally:
        os.close(descriptor)


def is_worked_on(path: Path) -> bool:
    """Say whether a host has a journal, as far as its lock file tells."""
    try:
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
