import asyncio
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from uuid_utils import uuid7

from jackfield.errors import JournalError, JournalUnavailable
from jackfield.journal.protocol import Claim, Handler
from jackfield.journal.records import Refusal, State, Succeeded, Verdict
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.tables.refusals import KEPT
from jackfield.journal.views import Query
from tests.journal.kit import (
    REQUEST,
    Clock,
    Recorder,
    always,
    attempt,
    give,
    new_run,
    opened,
    run_async,
    settled,
    until,
    working,
)


class Paused:
    """A handler that lets another one go on only when it may."""

    def __init__(self, then: Handler) -> None:
        self.then = then
        self.started, self.go = asyncio.Event(), asyncio.Event()
        self.runs: list[str] = []

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        self.runs.append(claim.run)
        self.started.set()
        await self.go.wait()
        return await self.then(claim)


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

        async def finish(claim: Claim) -> tuple[Verdict, str]:
            await claim.checkpoint(attempt(clock.time), version="v1")
            return Succeeded(attempt(clock.time, 1)), "v1"

        handler = Paused(finish)
        path = tmp_path / "journal.db"
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, handler):
            (first,) = await give(journal, new_run(clock.time))
            await handler.started.wait()
            intruder = sqlite3.connect(path, isolation_level=None)
            intruder.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            handler.go.set()
            with pytest.raises(JournalUnavailable, match=r"journal\.db: another process keeps it locked; end"):
                await journal.accept([new_run(clock.time)])
            assert time.monotonic() - began < 6
            intruder.execute("ROLLBACK")
            intruder.close()
            (second,) = await give(journal, new_run(clock.time))
            for run in (first, second):
                assert len((await settled(journal, run)).attempts) == 2
            assert handler.runs == [first, second]

    run_async(main)


def test_a_full_disk_refuses_new_runs_and_loses_none_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))

    async def main() -> None:
        clock = Clock()
        handler = Paused(Recorder(always(Succeeded(attempt(clock.time, result="x" * 100_000)))))
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            (first,) = await give(journal, new_run(clock.time))
            await handler.started.wait()
            await limit_pages(journal, 1)
            large = new_run(clock.time, {"text": "x" * 100_000})
            with pytest.raises(JournalUnavailable, match=r"journal\.db: the disk is full; make room on it"):
                await journal.accept([large])
            handler.go.set()
            await until(lambda: journal.writer.stuck)
            await limit_pages(journal, 1_000_000)
            assert (await settled(journal, first)).summary.state is State.SUCCEEDED
            assert await journal.run(large.id) is None
            (second,) = await give(journal, new_run(clock.time))
            await settled(journal, second)
            assert handler.runs == [first, second]

    async def limit_pages(journal: SqliteJournal, pages: int) -> None:
        """Let the file grow no further than that, as on a full disk."""
        await journal.writer.submit(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        )

    run_async(main)


def test_the_newest_refused_requests_of_each_pipeline_and_status_are_kept(tmp_path: Path) -> None:
    def refusal(pipeline: str = "p", status: int = 404) -> Refusal:
        return Refusal(str(uuid7()), pipeline, Clock().time, status, "no", REQUEST)

    async def main() -> None:
        others = [refusal(status=503), refusal("q")]
        refused = [refusal() for _ in range(KEPT + 2)]
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            await asyncio.gather(*(journal.refuse(refusal) for refusal in (*others, *refused)))
            found = await journal.refusals(limit=KEPT + 10)
            assert [refusal.id for refusal in found[::-1]] == [refusal.id for refusal in (*others, *refused[2:])]

    run_async(main)


def test_whatever_keeps_the_file_from_being_opened_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        journal = SqliteJournal(tmp_path / "journal\0.db")
        with pytest.raises(JournalUnavailable, match=r"a fault in Jackfield itself \(ValueError: .*embedded null"):
            await asyncio.wait_for(journal.open(), 10)
        await asyncio.wait_for(journal.close(), 10)

    run_async(main)


def test_nobody_waits_for_a_writer_that_has_come_to_its_end(tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    def end(_: sqlite3.Connection) -> None:
        reached.set()
        go.wait(10)
        raise BaseException("odd")  # noqa: TRY002 - nothing that anybody expects

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            jobs = [journal.writer.submit(end)]
            await until(reached.is_set)
            jobs += [journal.writer.submit(lambda _: None) for _ in range(1000)]
            go.set()
            ends = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 10)
            assert [type(error) for error in ends] == [JournalUnavailable] * 1001
            with pytest.raises(
                JournalUnavailable, match=r"nothing can be written any more.* \(BaseException: odd\); start"
            ):
                await journal.accept([new_run(clock.time)])
            await asyncio.wait_for(journal.close(), 10)

    run_async(main)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_an_index_that_is_not_kept_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            await give(journal, new_run(clock.time))
            await journal.writer.submit(lambda connection: connection.execute("UPDATE payload SET event = '{'"))
            async with working(journal, limits=lambda _: None):
                for _ in range(2):
                    await asyncio.wait_for(journal.indexed(), 10)

    run_async(main)
