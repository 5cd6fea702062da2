"""Does a host's regular work: what goes wrong with it is logged, and the next time comes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from jackfield.errors import JournalError

_AGAIN_AFTER: Final = 600.0
"""Seconds after which a fault that lasts is logged once more."""
_MOST_FAULTS: Final = 100
_FAILED: Final = "housekeeping failed; will be tried again"


class Housekeeping:
    """Carries out one piece of work at a time. A fault that lasts is logged once, and then every ten minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    async def attempt(self, what: str, work: Awaitable[object]) -> None:
        """Do a piece of work; whatever it raises is logged, an error of the journal in one line."""
        try:
            await work
        except JournalError as error:
            if self._is_news(str(error)):  # all that needs the journal fails of it: it is said once for all of it
                structlog.get_logger().error(_FAILED, work=what, error=str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one look at the folder must not end all later ones
            if self._is_news(f"{what}: {error!r}"):
                structlog.get_logger().exception(_FAILED, work=what)

    def _is_news(self, fault: str) -> bool:
        now = self._clock()
        last = self._said.get(fault)
        if last is not None and now - last < _AGAIN_AFTER:
            return False
        if len(self._said) >= _MOST_FAULTS:
            self._said.clear()
        self._said[fault] = now
        return True
