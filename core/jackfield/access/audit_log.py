"""The audit log as the host writes it: who did what, from where, as an entry of the journal and a line of the log."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from jackfield.errors import JournalError
from jackfield.journal.audit import REFUSED, AuditAction, NewAuditEntry, Via
from jackfield.journal.protocol import Journal

LONGEST_DETAIL: Final = 8_000
_LONGEST_NAME: Final = 300
_AT_ONCE: Final = 60
_EVERY: Final = 10.0
"""So many refusals of a kind are written one by one at once, then one in so many seconds."""
_SUMMARY_EVERY: Final = 60.0
_MOST_ADDRESSES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who does something: who they are as far as that is known, how they came, and from which address."""

    actor: str
    via: Via
    address: str = ""


@dataclass(slots=True)
class _Kind:
    """What came of one kind of refusals."""

    room: float = float(_AT_ONCE)
    looked: float = 0.0
    left_out: int = 0
    addresses: set[str] = field(default_factory=set)


class AuditLog:
    """Writes entries. What cannot be written into the journal is in the log at least, and stops nobody.

    Refusals, which anybody can cause, are written one by one up to a rate; of the others `summarise()` writes how many
    they were.
    """

    def __init__(
        self,
        journal: Journal,
        now: Callable[[], datetime],
        mask: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._now = now
        self._mask = mask
        self._clock = clock
        self._summarised = clock()
        self._kinds: defaultdict[AuditAction, _Kind] = defaultdict(_Kind)

    async def note(
        self, caller: Caller, action: AuditAction, target: str = "", detail: str = "", *, content: str = ""
    ) -> None:
        """Write down that somebody did something, to which target; of a file, `content` is the hash of what it is."""
        if action in REFUSED and not self._has_room(action, caller.address):
            return
        await self._write(caller, action, target, detail, content)

    async def summarise(self, *, ending: bool = False) -> None:
        """Write down, once a minute and at the end, how many refusals were not written one by one since then."""
        now = self._clock()
        if now - self._summarised < _SUMMARY_EVERY and not ending:
            return
        self._summarised = now
        for action, kind in self._kinds.items():
            if not kind.left_out:
                continue
            many = f"{_MOST_ADDRESSES} or more" if len(kind.addresses) >= _MOST_ADDRESSES else str(len(kind.addresses))
            detail = f"{kind.left_out} more of the same, from {many} addresses"
            kind.left_out, kind.addresses = 0, set()
            await self._write(Caller("", Via.PAGES), action, "", detail, "")

    def _has_room(self, action: AuditAction, address: str) -> bool:
        kind, now = self._kinds[action], self._clock()
        kind.room = min(float(_AT_ONCE), kind.room + (now - kind.looked) / _EVERY) if kind.looked else kind.room
        kind.looked = now
        if kind.room >= 1:
            kind.room -= 1
            return True
        kind.left_out += 1
        if len(kind.addresses) < _MOST_ADDRESSES:
            kind.addresses.add(address)
        return False

    async def _write(self, caller: Caller, action: AuditAction, target: str, detail: str, content: str) -> None:
        actor, target = (self._mask(text)[:_LONGEST_NAME] for text in (caller.actor, target))
        detail = _cut(self._mask(detail))
        entry = NewAuditEntry(self._now(), action, actor, caller.via, caller.address, target, detail, content)
        log = structlog.get_logger().bind(
            action=action.value, by=actor, via=caller.via.value, address=caller.address, target=target
        )
        said = detail if "\n" not in detail else f"{detail.count(chr(10)) + 1} lines"
        try:
            written = await self._journal.note(entry)
        except JournalError as error:
            log.warning("audit; not in the journal", detail=said, error=str(error))
        else:
            log.info("audit", detail=said, digest=written.digest)


def _cut(detail: str) -> str:
    return detail if len(detail) <= LONGEST_DETAIL else f"{detail[:LONGEST_DETAIL]}\n… [cut]"
