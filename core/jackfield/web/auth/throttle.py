"""Slows down those who guess passwords: the more often they were wrong, the longer they wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

MOST_KEYS: Final = 20_000
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
BY_DEVICE: Final = Limit(free=10, longest=300.0)
"""For a browser in which this user has logged in before: what others try does not count against it."""
FRESH: Final = Limit(free=300, longest=30.0)
"""For one name, all addresses together that were not wrong about it yet: each has one try beside the name's own."""
BY_PAIR: Final = Limit(free=1, longest=0.0)
"""Remembers that an address was wrong about a name; nobody waits for that."""
Key: TypeAlias = tuple[str, Limit]


class Throttle:
    """Counts tries for each key and tells how long to wait. It remembers 20,000 keys, each for an hour."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tries: OrderedDict[Key, tuple[int, float]] = OrderedDict()

    def begin(self, keys: Sequence[Key], also: Sequence[Key] = ()) -> float:
        """Count a try and return 0, or return how many seconds it has to wait, and count nothing.

        It counts before its outcome is known: otherwise many at once would all be the first. It counts for the keys in
        `also` as well, but does not wait for them.
        """
        now = self._now()
        wait = max(self._wait(key, now) for key in keys)
        if wait <= 0:
            for key in (*keys, *also):
                self._tries[key] = (self._count(key, now) + 1, now)
                self._tries.move_to_end(key)
            while len(self._tries) > MOST_KEYS:
                self._tries.popitem(last=False)
        return max(0.0, wait)

    def knows(self, key: Key) -> bool:
        """Tell whether there was a try for this key that counts."""
        return key in self._tries and self._count(key, self._now()) > 0

    def succeed(self, keys: Sequence[Key]) -> None:
        """Take back what `begin()` counted; what was tried before for these keys still counts for the address.

        Otherwise somebody with a password could go on guessing others', by using it now and then.
        """
        for key in keys:
            count, last = self._tries.get(key, (0, 0.0))
            if key[1] in {BY_NAME, BY_DEVICE} or count <= 1:
                self._tries.pop(key, None)
            else:
                self._tries[key] = (count - 1, last)

    def _wait(self, key: Key, now: float) -> float:
        _, last = self._tries.get(key, (0, 0.0))
        return last + key[1].wait(self._count(key, now)) - now if key in self._tries else 0.0

    def _count(self, key: Key, now: float) -> int:
        count, last = self._tries.get(key, (0, now))
        return 0 if now - last > _FORGET else count
