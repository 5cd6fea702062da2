"""Ends the process when nothing else helps, with a line that says why: whoever supervises it starts it again."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

import structlog

EXIT_CODE: Final = 75
"""What the process ends with: EX_TEMPFAIL of sysexits.h."""
_LOGGING: Final = 2.0
"""Seconds that the line may take: whoever hangs may hold the log's lock."""
_LOOKS: Final = 20


def end_process(event: str, **fields: object) -> NoReturn:
    """Log a line and end the process at once: nothing is closed, and no thread is waited for."""
    line = threading.Thread(target=_say, args=(event, fields), daemon=True)
    line.start()
    line.join(_LOGGING)
    os._exit(EXIT_CODE)


class Deadline:
    """Ends the process after some seconds, unless it is called off before.

    It counts its own waits, so that a process that was stopped, or a machine that slept, loses nothing by it. `reason`
    is asked at the end: it returns the line and its fields.
    """

    def __init__(self, seconds: float, reason: Callable[[], tuple[str, Mapping[str, object]]]) -> None:
        self._wait = seconds / _LOOKS
        self._reason = reason
        self._called_off = threading.Event()
        threading.Thread(target=self._count, name="jackfield-deadline", daemon=True).start()

    def call_off(self) -> None:
        """Let the process live."""
        self._called_off.set()

    def _count(self) -> None:
        for _ in range(_LOOKS):
            if self._called_off.wait(self._wait):
                return
        event, fields = self._reason()
        if not self._called_off.is_set():
            end_process(event, **fields)


@contextmanager
def within(seconds: float, reason: Callable[[], tuple[str, Mapping[str, object]]]) -> Iterator[None]:
    """End the process unless the block is left within so many seconds."""
    deadline = Deadline(seconds, reason)
    try:
        yield
    finally:
        deadline.call_off()


def _say(event: str, fields: Mapping[str, object]) -> None:
    structlog.get_logger().critical(event, **fields)
    for stream in (sys.stderr, sys.stdout):
        with suppress(OSError, ValueError):
            stream.flush()
