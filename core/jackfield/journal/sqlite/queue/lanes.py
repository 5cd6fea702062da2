"""The runs of one pipeline that are in memory, and when the next one may start."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from jackfield.journal.records import Limits
from jackfield.journal.sqlite.queue.claims import SqliteClaim

ROOM: Final = 1000
"""How many runs of one pipeline wait in memory; the others wait in the file."""

_LOW: Final = ROOM // 4
_HANDFUL: Final = 50
"""How many runs of the background are loaded at a time, while events come in."""
_UNWRITTEN: Final = 200
"""How many runs may have ended without that being on disk yet: these would be run again after a crash."""


class PipelineQueue:
    """The queue of one pipeline. The file is its overflow.

    `more` says that the file may hold runs that could start and are not in memory. While it does, or while they are
    being loaded, new ones stay in the file too, so that the lane keeps their order; unless what is loaded is the
    background, such as thousands of replays, which new runs overtake.
    """

    def __init__(self, pipeline: str) -> None:
        self.pipeline = pipeline
        self.known: dict[int, SqliteClaim] = {}
        self.more = False
        self.timer: asyncio.TimerHandle | None = None
        """What wakes the lane when its rate lets the next run start."""
        self.handled: dict[int, SqliteClaim] = {}
        """The runs that the handler has in its hands."""
        self._loading = False
        self._cancelled: set[int] = set()
        self._ready: deque[SqliteClaim] = deque()
        self._background: deque[SqliteClaim] = deque()
        self._joining: list[SqliteClaim] = []
        """New runs that came while others were being loaded."""
        self._in_background = False
        """Whether the run that was loaded last is of the background."""
        self._next_start = 0.0

    def __len__(self) -> int:
        return len(self._ready) + len(self._background)

    @property
    def head(self) -> SqliteClaim:
        """The run that is started next, if there is one."""
        return (self._ready or self._background)[0]

    def room(self, *, pressed: bool) -> int:
        """Return how many runs to load from the file, 0 while it is not time to.

        Loading keeps the interpreter busy: while events come in (`pressed`), the background is loaded in handfuls.
        """
        in_handfuls = pressed and self._in_background
        if not self.more or self._loading or len(self) > (_HANDFUL // 2 if in_handfuls else _LOW):
            return 0
        return _HANDFUL if in_handfuls else ROOM - len(self)

    def join(self, claim: SqliteClaim) -> None:
        """Take a new run over, or leave it in the file."""
        straight = self._in_background or not (self.more or self._loading)
        if not straight or len(self._ready) + len(self._joining) >= ROOM:
            self.more = True
        elif self._loading:
            self._joining.append(claim)
        else:
            self._add(claim)

    def _add(self, claim: SqliteClaim) -> None:
        if claim.seq not in self.known:
            self.known[claim.seq] = claim
            (self._background if claim.background else self._ready).append(claim)

    def begin_load(self) -> frozenset[int]:
        """Return the runs that need not be loaded, which is those that were known when the loading began.

        One that is settled meanwhile is not known any more when the loading ends, but may have been read as queued.
        """
        self._loading, self.more = True, False
        self._cancelled.clear()
        return frozenset(self.known)

    def end_load(self, claims: Iterable[SqliteClaim], *, complete: bool) -> None:
        """Put the runs that were loaded at the end."""
        self._loading, self.more = False, self.more or not complete
        loaded, joining = list(claims), self._joining
        self._joining = []
        for claim in (*loaded, *joining):
            if claim.seq not in self._cancelled:
                self._add(claim)
        if loaded or complete:
            self._in_background = bool(loaded) and loaded[-1].background

    def delay(self, limits: Limits, now: float) -> float | None:
        """Return the seconds until the next run may start, 0 for at once, None for: not before something happens."""
        unwritten = len(self.known) - len(self) - len(self.handled)
        if not len(self) or len(self.handled) >= limits.concurrency or unwritten >= _UNWRITTEN:
            return None
        return 0.0 if limits.rate is None else max(0.0, self._next_start - now)

    def take(self, limits: Limits, now: float) -> SqliteClaim:
        """Take the first run out, to be handled."""
        if limits.rate is not None:
            self._next_start = now + limits.rate.every.total_seconds()
        claim = (self._ready or self._background).popleft()
        claim.started_at = now
        self.handled[claim.seq] = claim
        return claim

    def drop(self, seq: int) -> None:
        """Take a cancelled run out; the handler that has it in its hands is told."""
        if self._loading:
            self._cancelled.add(seq)
        if seq in self.handled:
            self.handled[seq].lost.set()
            return
        for queue in (self._ready, self._background):
            for claim in [claim for claim in queue if claim.seq == seq]:
                queue.remove(claim)
                del self.known[seq]
