import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from uuid_utils import uuid7

from jackfield.errors import JournalError, JournalUnavailable
from jackfield.journal.port import Claim
from jackfield.journal.records import Query, Refusal, State, Succeeded, Verdict
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.refusals import KEPT
from tests.core.journal.kit import (
    REQUEST,
    Clock,
    Recorder,
    attempt,
    give,
    new_run,
    opened,
    run_async,
    settled,
    until,
    working,
)


def test_one_operation_that_fails_does_not_spoil_those_committed_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            runs = [new_run(clock.time) for _ in range(20)]
            twice = [new_run(clock.time), runs[0]]
            calls = [journal.accept([run]) for run in runs[:10]]
            calls += [journal.accept(twice)]
            calls += [journal.accept([run]) for run in runs[10:]]
            results = await asyncio.gather(*calls, return_exceptions=True)
            failed = [result for result in results if isinstance(result, BaseException)]
            assert [type(error) for error in failed] == [JournalError]
            found = {run.id for run in (await journal.search(Query())).runs}
            assert found == {run.id for run in runs}

    run_async(main)


def test_a_run_whose_sender_has_gone_away_is_run_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            run = new_run(clock.time)
            accepting = asyncio.create_task(journal.accept([run]))
            await asyncio.sleep(0)
            accepting.cancel()
            await until(lambda: handler.runs == [run.id])

    run_async(main)


def test_a_locked_journal_is_unavailable_soon_and_recovers(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        started, go = asyncio.Event(), asyncio.Event()
        handled: list[str] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            handled.append(claim.run)
            started.set()
            await go.wait()
            await claim.checkpoint(attempt(clock.time), version="v1")
            return Succeeded(attempt(clock.time, 1)), "v1"

        path = tmp_path / "journal.db"
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, handler):
            (first,) = await give(journal, new_run(clock.time))
            await started.wait()
            intruder = sqlite3.connect(path, isolation_level=None)
            intruder.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            go.set()
            with pytest.raises(JournalUnavailable, match=r"journal\.db: another process keeps it locked; end"):
                await journal.accept([new_run(clock.time)])
            assert time.monotonic() - began < 6
            intruder.execute("ROLLBACK")
            intruder.close()
            (second,) = await give(journal, new_run(clock.time))
            for run in (first, second):
                assert len((await settled(journal, run)).attempts) == 2
            assert handled == [first, second]

    run_async(main)


def test_a_full_disk_refuses_new_runs_and_loses_none_that_are_done(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        started, go = asyncio.Event(), asyncio.Event()
        handled: list[str] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            handled.append(claim.run)
            started.set()
            await go.wait()
            return Succeeded(attempt(clock.time, result="x" * 100_000)), "v1"

        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            (first,) = await give(journal, new_run(clock.time))
            await started.wait()
            await limit_pages(journal, 1)
            large = new_run(clock.time, {"text": "x" * 100_000})
            with pytest.raises(JournalUnavailable, match=r"journal\.db: the disk is full; make room on it"):
                await journal.accept([large])
            go.set()
            await until(lambda: journal.writer.stuck)
            await limit_pages(journal, 1_000_000)
            assert (await settled(journal, first)).summary.state is State.SUCCEEDED
            assert await journal.run(large.id) is None
            (second,) = await give(journal, new_run(clock.time))
            await settled(journal, second)
            assert handled == [first, second]

    async def limit_pages(journal: SqliteJournal, pages: int) -> None:
        """Let the file grow no further than that, as on a full disk."""
        await journal.writer.submit(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        )

    run_async(main)


def test_only_the_newest_refused_requests_are_kept(tmp_path: Path) -> None:
    async def main() -> None:
        refused = [Refusal(str(uuid7()), "p", Clock().time, 503, "stopped", REQUEST) for _ in range(KEPT + 2)]
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            await asyncio.gather(*(journal.refuse(refusal) for refusal in refused))
            found = await journal.refusals(limit=KEPT + 10)
            assert [refusal.id for refusal in found] == [refusal.id for refusal in refused[:1:-1]]

    run_async(main)
