"""Access tokens, kept until they expire."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

_MOST: Final = 16
_MARGIN: Final = 30.0
_MARGIN_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A token that is valid for so many seconds after it was asked for."""

    value: str = field(repr=False)
    seconds: float


Fetch: TypeAlias = Callable[[], Awaitable[Token]]


@dataclass(slots=True)
class _Slot:
    """The token of one key. Whoever needs another one holds the lock, and fetches it for all who wait."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Token | None = None
    until: float = 0.0


class Tokens:
    """The tokens of one step, by what they were got with: the 16 that were used last. `now` counts seconds.

    A token is no longer used 30 s before it expires, or the last tenth of its time if that is shorter.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    async def get(self, key: Hashable, fetch: Fetch, *, refused: Token | None = None) -> Token:
        """Return the token that is kept, unless it was `refused`, or a new one.

        However many ask at the same time, one of them fetches. If it fails or is cancelled, that is its own affair:
        nothing is kept, and the next one fetches. Raises what `fetch` raises.
        """
        slot = self._slot(key)
        async with slot.lock:
            if slot.token is None or slot.token is refused or self._now() >= slot.until:
                slot.token, began = None, self._now()
                slot.token = await fetch()
                slot.until = began + slot.token.seconds - min(_MARGIN, slot.token.seconds * _MARGIN_SHARE)
            return slot.token

    def _slot(self, key: Hashable) -> _Slot:
        slot = self._slots.setdefault(key, _Slot())
        self._slots.move_to_end(key)
        if len(self._slots) > _MOST:
            self._slots.popitem(last=False)
        return slot
