"""Slows down those who guess passwords: the more often they were wrong, the longer they wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_KEYS: Final = 10_000
_FORGET: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one may be wrong for nothing; then the wait doubles each time, from a second to `longest`."""

    free: int
    longest: float

    def wait(self, tries: int) -> float:
        """Tell how many seconds the next try has to wait after so many."""
        return 0.0 if tries < self.free else min(self.longest, 2.0 ** min(tries - self.free, 30))


BY_NAME: Final = Limit(free=5, longest=30.0)
"""For one name, wherever the tries come from. Short, for it also keeps out whose name it is."""
BY_ADDRESS: Final = Limit(free=15, longest=900.0)
"""For one client address, whichever names it tries."""


class Throttle:
    """Counts tries for each key and tells how long to wait. It remembers 10,000 keys, each for an hour."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tries: OrderedDict[tuple[str, Limit], tuple[int, float]] = OrderedDict()

    def begin(self, keys: Sequence[tuple[str, Limit]]) -> float:
        """Count a try and return 0, or return how many seconds it has to wait, and count nothing.

        It counts before its outcome is known: otherwise many at once would all be the first.
        """
        now = self._now()
        wait = max(self._wait(key, now) for key in keys)
        if wait <= 0:
            for key in keys:
                self._tries[key] = (self._count(key, now) + 1, now)
                self._tries.move_to_end(key)
            while len(self._tries) > MOST_KEYS:
                self._tries.popitem(last=False)
        return max(0.0, wait)

    def succeed(self, keys: Sequence[tuple[str, Limit]]) -> None:
        """Take back what `begin()` counted; what was tried before for these keys still counts for the address.

        Otherwise somebody with a password could go on guessing others', by using it now and then.
        """
        for key in keys:
            count, last = self._tries.get(key, (0, 0.0))
            if key[1] is BY_NAME or count <= 1:
                self._tries.pop(key, None)
            else:
                self._tries[key] = (count - 1, last)

    def _wait(self, key: tuple[str, Limit], now: float) -> float:
        _, last = self._tries.get(key, (0, 0.0))
        return last + key[1].wait(self._count(key, now)) - now if key in self._tries else 0.0

    def _count(self, key: tuple[str, Limit], now: float) -> int:
        count, last = self._tries.get(key, (0, now))
        return 0 if now - last > _FORGET else count
