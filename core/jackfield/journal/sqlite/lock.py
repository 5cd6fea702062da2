"""Sees to it that only one host works on a journal. `JournalFiles.lock` does the same if this file is deleted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jackfield.journal.sqlite.faults import explained, worked_on


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
