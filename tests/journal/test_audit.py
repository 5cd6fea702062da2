"""The audit log: entries stay as they are, and go oldest first."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jackfield.journal.audit import AuditAction, AuditQuery, NewAuditEntry, Via
from jackfield.journal.sqlite import SqliteJournal
from tests.journal.kit import Clock, Journals, opened, run_async

_FORGED = "seq, refused, place, digest, at, action, 'vera', via, address, target, detail, content"


def entry(clock: Clock, action: AuditAction = AuditAction.MODE, **more: Any) -> NewAuditEntry:
    return replace(NewAuditEntry(clock.time, action, "anna", Via.PAGES, "203.0.113.9", "orders", "held"), **more)


def test_entries_are_listed_newest_first_and_found(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            first = await journal.note(entry(clock))
            clock.time += timedelta(hours=1)
            second = await journal.note(entry(clock, AuditAction.USER_ADDED, actor="vera\ud800", target="x"))
            assert [one.number for one in await journal.audit(AuditQuery())] == [second.number, first.number]
            [again] = await journal.audit(AuditQuery(before=second.number))
            assert again == first
            assert (again.at, again.actor, again.via, again.detail) == (first.at, "anna", Via.PAGES, "held")
            for query in (
                AuditQuery(actor="vera\\ud800"),
                AuditQuery(action=AuditAction.USER_ADDED),
                AuditQuery(target="x"),
                AuditQuery(since=clock.time),
                AuditQuery(limit=1),
            ):
                assert [one.number for one in await journal.audit(query)] == [second.number], query

    run_async(main)


def test_what_a_file_became_is_known(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.note(entry(clock, AuditAction.FILE_CHANGED, target="pipelines/x.toml", content="abc"))
            assert await journal.noted("pipelines/x.toml", "abc")
            assert not await journal.noted("pipelines/x.toml", "abd")
            assert not await journal.noted("pipelines/y.toml", "abc")

    run_async(main)


def test_what_was_refused_pushes_out_nothing_that_was_done(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            done = await journal.note(entry(clock))
            await asyncio.gather(*(journal.note(entry(clock, AuditAction.LOGIN_FAILED)) for _ in range(10_007)))
            assert await journal.prune_audit(365, clock.time) == 7
            assert (await journal.audit(AuditQuery(action=AuditAction.MODE)))[0] == done
            assert (await journal.check_audit()).entries == 10_001
            assert (await journal.check_audit()).broken is None

    run_async(main)


def test_old_entries_go_and_the_rest_still_fits_together(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            for _ in range(5):
                await journal.note(entry(clock))
                clock.time += timedelta(days=20)
            assert await journal.prune_audit(50, clock.time) == 2
            assert await journal.prune_audit(1, clock.time) == 1  # nothing goes within 30 days
            found = await journal.check_audit()
            assert (found.entries, found.broken) == (2, None)

    run_async(main)


def test_no_entry_is_changed_or_taken_out_even_with_sql(tmp_path: Path) -> None:
    async def main() -> None:
        clock, path = Clock(), tmp_path / "journal.db"
        async with opened(SqliteJournal(path, now=clock)) as journal:
            for action in (AuditAction.MODE, AuditAction.USER_ADDED, AuditAction.MODE):
                await journal.note(entry(clock, action))
        with closing(sqlite3.connect(path)) as connection:
            for statement in (
                "UPDATE audit SET actor = 'vera' WHERE seq = 2",
                "DELETE FROM audit WHERE seq = 2",
                "DELETE FROM audit WHERE seq = 1",
                "DELETE FROM audit",
                f"REPLACE INTO audit SELECT {_FORGED} FROM audit WHERE seq = 2",
                f"INSERT OR REPLACE INTO audit SELECT {_FORGED} FROM audit WHERE seq = 3",
                f"REPLACE INTO audit SELECT {_FORGED.replace('seq', '9', 1)} FROM audit WHERE seq = 3",
            ):
                with pytest.raises(sqlite3.IntegrityError, match="entries of the audit log"):
                    connection.execute(statement)

    run_async(main)


def test_who_gets_around_that_is_found_out(tmp_path: Path) -> None:
    async def main() -> None:
        clock, path = Clock(), tmp_path / "journal.db"
        async with opened(SqliteJournal(path, now=clock)) as journal:
            for action in (AuditAction.MODE, AuditAction.USER_ADDED, AuditAction.MODE, AuditAction.MODE):
                await journal.note(entry(clock, action))
            assert (await journal.check_audit()).broken is None
        for statement, broken in (
            ("UPDATE audit SET actor = 'vera' WHERE seq = 2", 2),
            ("UPDATE audit SET actor = 'anna' WHERE seq = 2", None),
            ("DELETE FROM audit WHERE seq = 3", 4),
            ("DELETE FROM audit WHERE seq = 4", 3),
            ("DELETE FROM audit", 1),
        ):
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("DROP TRIGGER IF EXISTS audit_stays_as_it_is")
                connection.execute("DROP TRIGGER IF EXISTS audit_goes_oldest_first")
                connection.execute(statement)
                connection.commit()
            async with opened(SqliteJournal(path, now=clock)) as journal:
                assert (await journal.check_audit()).broken == broken

    run_async(main)
