"""The audit log as the host writes it: strangers cannot flood it, and it stops nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from jackfield.access.audit_log import AuditLog, Caller
from jackfield.errors import JournalUnavailable
from jackfield.journal.audit import AuditAction, AuditEntry, AuditQuery, NewAuditEntry, Via
from jackfield.journal.sqlite import SqliteJournal
from tests.journal.kit import opened

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
ANNA = Caller("anna", Via.PAGES, "203.0.113.9")


class Ticks:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_a_flood_of_wrong_passwords_is_written_down_in_part_and_counted(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Ticks()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            log = AuditLog(journal, lambda: NOW, clock=clock)
            for number in range(1000):
                address = f"198.51.100.{number % 200}"
                await log.note(Caller("", Via.PAGES, address), AuditAction.LOGIN_FAILED, "anna")
            await log.note(ANNA, AuditAction.USER_ADDED, "vera")
            assert len(await journal.audit(AuditQuery(limit=5000))) == 61
            await log.summarise()
            assert len(await journal.audit(AuditQuery(limit=5000))) == 61
            clock.time += 61
            await log.summarise()
            [summary, *_] = await journal.audit(AuditQuery())
            assert (summary.action, summary.detail) == (
                AuditAction.LOGIN_FAILED,
                "940 more of the same, from 200 addresses",
            )
            clock.time += 100
            await log.note(ANNA, AuditAction.LOGIN_FAILED, "anna")
            [newest, *_] = await journal.audit(AuditQuery())
            assert newest.actor == "anna"

    asyncio.run(main())


def test_an_entry_is_a_line_of_the_log_as_well_with_its_digest_and_no_secret(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            log = AuditLog(journal, lambda: NOW, lambda text: text.replace("hunter2", "***"))
            with capture_logs() as lines:
                await log.note(ANNA, AuditAction.MODE, "orders", "held: hunter2")
            [entry] = await journal.audit(AuditQuery())
            assert entry.detail == "held: ***"
            [line] = lines
            assert line == {
                "event": "audit",
                "log_level": "info",
                "action": "pipeline.mode",
                "by": "anna",
                "via": "pages",
                "address": "203.0.113.9",
                "target": "orders",
                "detail": "held: ***",
                "digest": entry.digest,
            }

    asyncio.run(main())


def test_what_the_journal_cannot_take_is_in_the_log_and_stops_nobody(tmp_path: Path) -> None:
    class Full(SqliteJournal):
        async def note(self, entry: NewAuditEntry) -> AuditEntry:
            raise JournalUnavailable("the disk is full")

    async def main() -> None:
        with capture_logs() as lines:
            await AuditLog(Full(tmp_path / "journal.db"), lambda: NOW).note(ANNA, AuditAction.LOGIN)
        assert [(line["event"], line["by"], line["error"]) for line in lines] == [
            ("audit; not in the journal", "anna", "the disk is full")
        ]

    asyncio.run(main())
