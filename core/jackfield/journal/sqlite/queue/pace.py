"""Keeps work that can wait from holding up events that come in: replays, retries, and what is done to many runs."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import Final

_QUIET: Final = 10.0
"""Seconds without an event after which nothing has to wait any more."""
_SHORTEST: Final = 0.01
_LONGEST: Final = 0.05
"""Seconds from one such run to the next, as long as events come in: the longer, the later timers are."""
_TIMES: Final = 4
_SMOOTH: Final = 8
_DUE_AT_ONCE: Final = 200
_DUE_MEANWHILE: Final = 30
_SAVED: Final = 10
"""So many runs of the background, at most, may start at once because as many events have come in."""


class Pace:
    """How fast background work may go. It gives way when an event comes in, and for some seconds after the last.

    For each event one run of the background may start besides, so that retries keep up with many events that all fail.
    """

    def __init__(self) -> None:
        self._arrived = -inf
        self._next_start = 0.0
        self._late = 0.0
        self._came = 0
        self._saved = 0

    def arrived(self, events: int) -> None:
        """So many events are being taken over."""
        self._arrived = monotonic()
        self._came += events
        self._saved = min(self._saved + events, _SAVED)

    @property
    def pressed(self) -> bool:
        """Whether events have been coming in."""
        return monotonic() - self._arrived < _QUIET

    def due_at_once(self) -> int:
        """Return how many retries may be made due in this transaction, a few times in a second."""
        came, self._came = self._came, 0
        return min(_DUE_MEANWHILE + came, _DUE_AT_ONCE) if self.pressed else _DUE_AT_ONCE

    def delay(self, now: float) -> float:
        """Return the seconds until the next run of the background may start."""
        return max(0.0, self._next_start - now) if self.pressed and not self._saved else 0.0

    def started(self, now: float) -> None:
        """A run of the background has been started."""
        if now < self._next_start and self._saved:
            self._saved -= 1
        else:
            self._next_start = now + self._apart

    def woke(self, late: float) -> None:
        """A timer was late by so many seconds: that is how long an event has to wait for the event loop, too."""
        self._late += (late - self._late) / _SMOOTH

    @property
    def rest(self) -> float:
        """How many seconds work that can wait should rest for each run that it has to do with."""
        return self._apart if self.pressed else 0.0

    @property
    def _apart(self) -> float:
        return min(_LONGEST, max(_SHORTEST, _TIMES * self._late))
