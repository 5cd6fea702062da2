"""The journal's files are deleted, moved, replaced or cut off while a host works on them."""

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jackfield.errors import JournalDamaged, JournalError, JournalLost, JournalUnavailable
from jackfield.journal.records import Limits, Mode
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.file import rescue, writer
from jackfield.journal.sqlite.file.identity import JournalFiles
from jackfield.journal.sqlite.recovery.salvage import salvage
from jackfield.journal.views import Query
from tests.journal.kit import Clock, Recorder, give, new_run, opened, run_async, settled, succeed, until, working

OTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE precious (value)")
print("ready", flush=True)
sys.stdin.readline()
"""


def delete(path: Path) -> None:
    path.unlink()


def delete_log(path: Path) -> None:
    path.with_name("journal.db-wal").unlink()


def delete_log_index(path: Path) -> None:
    path.with_name("journal.db-shm").unlink()


def delete_all(path: Path) -> None:
    for found in path.parent.glob("journal.*"):
        found.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def replace_by_a_copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def replace_by_another(path: Path) -> None:
    with closing(sqlite3.connect(path.with_name("other.db"))) as other:
        other.execute("CREATE TABLE precious (value)")
    path.with_name("other.db").replace(path)


def replace_log(path: Path) -> None:
    log = path.with_name("journal.db-wal")
    log.unlink()
    log.write_bytes(b"another log")


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARMS = [
    delete, delete_log, delete_log_index, delete_all, delete_folder, move, move_folder, replace_by_a_copy,
    replace_by_another, replace_log, replace_by_a_folder,
]  # fmt: skip


async def submit_until_written(journal: SqliteJournal, clock: Clock) -> str:
    """Send an event again and again, until it is acknowledged."""
    run = new_run(clock.time)
    async with asyncio.timeout(30):
        while True:
            try:
                return (await journal.accept([run]))[0].id
            except JournalUnavailable:
                await asyncio.sleep(0.01)


def runs_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in connection.execute("SELECT id FROM run WHERE state = 'succeeded'")}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("checkpointed", [True, False])
def test_a_journal_whose_files_are_taken_away_is_written_out_again_and_goes_on(
    tmp_path: Path, harm: Callable[[Path], None], *, checkpointed: bool
) -> None:
    path = tmp_path / "var" / "journal.db"
    path.parent.mkdir()

    async def main() -> set[str]:
        clock = Clock()
        handler = Recorder()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, handler):
            runs = await give(journal, *(new_run(clock.time) for _ in range(20)))
            await settled(journal, runs[-1])
            if checkpointed:
                await journal.writer.submit(lambda connection: connection.execute("SELECT 1"))
                with closing(sqlite3.connect(path)) as other:
                    other.execute("PRAGMA wal_checkpoint(PASSIVE)")
                runs += await give(journal, new_run(clock.time))
            harm(path)
            runs += [await submit_until_written(journal, clock) for _ in range(3)]
            for run in runs:
                await settled(journal, run)
            assert {run.id for run in (await journal.search(Query(limit=100))).runs} == set(runs)
            assert sorted(handler.runs) == sorted(runs)
            await journal.check()
        return set(runs)

    assert run_async(main) == runs_in(path)


def test_every_event_that_is_acknowledged_under_load_is_kept_when_the_files_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def send(journal: SqliteJournal, clock: Clock, acknowledged: list[str]) -> None:
        for _ in range(12):
            run = await submit_until_written(journal, clock)
            acknowledged.append(run)

    async def main() -> list[str]:
        clock = Clock()
        acknowledged: list[str] = []
        async with opened(SqliteJournal(path, now=clock)) as journal:
            handler = Recorder()
            async with working(journal, handler):
                senders = [asyncio.create_task(send(journal, clock, acknowledged)) for _ in range(10)]
                await until(lambda: bool(handler.runs))  # a journal that is lost while a host starts ends the start
                for number, harm in enumerate((delete, delete_log, delete_all)):
                    await until(lambda number=number: len(acknowledged) > 30 * number + 20)  # type: ignore[misc]
                    harm(path)
                await asyncio.gather(*senders)
                await until(lambda: set(acknowledged) <= set(handler.runs))
        return acknowledged

    assert set(run_async(main)) <= runs_in(path)


def test_what_has_taken_the_journals_name_is_put_aside_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            await settled(journal, (await give(journal, new_run(clock.time)))[0])
            replace_by_another(path)
            await submit_until_written(journal, clock)

    run_async(main)
    (aside,) = tmp_path.glob("journal.db.found-*")
    with closing(sqlite3.connect(aside)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("precious",)]
    assert len(runs_in(path)) == 2


def test_a_file_that_another_process_has_open_is_left_to_it_and_nothing_is_acknowledged_meanwhile(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            (first,) = await give(journal, new_run(clock.time))
            await settled(journal, first)
            other = path.with_name("other.db")
            process = subprocess.Popen(  # noqa: ASYNC220 - it starts in no time
                [sys.executable, "-c", OTHER_PROCESS, str(other)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            with process:
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)
                other.replace(path)
                async with asyncio.timeout(20):
                    while True:
                        with pytest.raises(JournalLost) as caught:
                            await journal.accept([new_run(clock.time)])
                        if "another process has the file open" in str(caught.value):
                            break
                        await asyncio.sleep(0.02)
                process.kill()
            await submit_until_written(journal, clock)
            assert await journal.run(first) is not None

    run_async(main)
    assert len(runs_in(path)) >= 2


def cut_log(path: Path) -> None:
    os.truncate(path.with_name("journal.db-wal"), 0)


def cut_all(path: Path) -> None:
    os.truncate(path, 0)


def cut_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 8192 * 4096)


def overwrite(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


@pytest.mark.parametrize("harm", [cut_log, cut_all, cut_half, overwrite])
def test_a_journal_that_is_cut_off_takes_nothing_more_and_says_why(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, grace=0):
            await give(journal, *(new_run(clock.time, {"text": "x" * 10_000}) for _ in range(20)))
            await journal.writer.submit(lambda _: None)
            with closing(sqlite3.connect(path)) as other:
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            await give(journal, new_run(clock.time))
            harm(path)
            for _ in range(3):
                with pytest.raises(JournalDamaged, match=r"journal\.db.* was cut off or overwritten .* salvage"):
                    await journal.accept([new_run(clock.time)])

    run_async(main)


@pytest.mark.skipif(sys.platform != "linux", reason="the lock on the journal's own file is Linux's")
@pytest.mark.parametrize("harm", [cut_all, overwrite])
def test_the_log_of_a_journal_that_is_cut_off_stays_for_who_salvages(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "journal.db"

    async def main() -> list[str]:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, grace=0):
            runs = await give(journal, *(new_run(clock.time) for _ in range(20)))
            await settled(journal, runs[-1])
            harm(path)
            with pytest.raises(JournalDamaged):
                await journal.accept([new_run(clock.time)])
        return runs

    runs = run_async(main)
    found = salvage(path, tmp_path / "new.db", Clock().time)
    assert found.rows["run"] >= 20
    assert set(runs) <= runs_in(tmp_path / "new.db")


def test_a_log_that_another_process_empties_in_good_order_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            for _ in range(5):
                await give(journal, *(new_run(clock.time) for _ in range(20)))
                await asyncio.to_thread(empty_log)
            assert path.with_name("journal.db-wal").stat().st_size < 300_000
            await give(journal, new_run(clock.time))

    def empty_log() -> None:
        with closing(sqlite3.connect(path, timeout=10)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    run_async(main)


def test_pages_that_are_given_back_are_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    def give_back(connection: sqlite3.Connection) -> None:
        for _ in range(200):
            connection.execute("PRAGMA incremental_vacuum(1)")

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, limits=lambda _: None):
            for _ in range(3):
                await journal.accept([new_run(clock.time, {"text": "x" * 10_000}) for _ in range(400)])
                await journal.writer.submit(lambda connection: connection.execute("DELETE FROM payload").rowcount)
                for _ in range(5):
                    await journal.writer.submit(give_back)
                    with closing(sqlite3.connect(path)) as other:
                        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
                    await give(journal, new_run(clock.time))

    run_async(main)


@pytest.mark.skipif(sys.platform != "linux", reason="the lock on the journal's own file is Linux's")
def test_a_second_host_is_refused_although_the_lock_file_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal, working(journal):
            await give(journal, new_run(Clock().time))
            path.with_name("journal.lock").unlink()
            other = SqliteJournal(path)
            await other.open()
            with pytest.raises(JournalUnavailable, match="another host is working on this journal"):
                await other.work(succeed, lambda _: Limits(), asyncio.Event(), 0)
            await other.close()

    run_async(main)


def test_other_processes_get_on_with_a_journal_that_was_written_out_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            await settled(journal, (await give(journal, new_run(clock.time)))[0])
            before = await journal.changes()
            delete(path)
            await submit_until_written(journal, clock)
            assert await journal.changes() != before
            async with opened(SqliteJournal(path, now=clock)) as other:
                await other.set_mode("orders", Mode.HELD, reason="", at=clock.time)
                (run,) = await give(other, new_run(clock.time))
            await journal.set_mode("orders", Mode.RUNNING, reason="", at=clock.time)
            await settled(journal, run)

    run_async(main)


def test_looking_at_the_files_costs_little_beside_a_commit(tmp_path: Path) -> None:
    """Writing to the disk takes a hundred times as long; here only that nobody makes the look expensive."""
    path = tmp_path / "journal.db"

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal:
            await give(journal, new_run(Clock().time))
            files = JournalFiles(path)
            calls = 0

            def count(*_: object) -> None:
                nonlocal calls
                calls += 1

            sys.setprofile(lambda _, event, __: count() if event == "c_call" else None)
            try:
                assert files.look() is None
            finally:
                sys.setprofile(None)
            files.close()
            assert calls < 40

    run_async(main)


def test_reading_while_the_journal_is_away_fails_with_a_reason_and_finds_no_strangers_rows(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            (run,) = await give(journal, new_run(clock.time))
            await settled(journal, run)
            path.unlink()
            path.mkdir()
            (path / "kept").touch()
            for _ in range(50):
                try:
                    view = await journal.run(run)
                except JournalError:
                    continue
                assert view is not None
            await submit_until_written(journal, clock)

    run_async(main)


def test_the_end_of_a_host_deletes_no_log_of_a_journal_that_has_taken_the_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    log = path.with_name("journal.db-wal")

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal, grace=0):
            await settled(journal, (await give(journal, new_run(clock.time)))[0])
            path.with_name("journal.db.partial").mkdir()  # so that it cannot be written out again
            for name in (path, log):
                name.unlink()
                name.write_bytes(b"of another journal")
            with pytest.raises(JournalLost):
                await journal.accept([new_run(clock.time)])

    run_async(main)
    assert path.read_bytes() == log.read_bytes() == b"of another journal"


def test_what_keeps_a_journal_from_being_written_out_again_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    monkeypatch.setattr(rescue, "TRY_EVERY", 0.0)
    monkeypatch.setattr(writer, "TRY_EVERY", 0.01)
    tries = []

    def fail(*_: object) -> sqlite3.Connection:
        tries.append(1)
        raise OSError(errno.EROFS, "the file system is read-only")

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            await settled(journal, (await give(journal, new_run(clock.time)))[0])
            with monkeypatch.context() as patch, capture_logs() as lines:
                patch.setattr(rescue.Guard, "_rescue", fail)
                path.unlink()
                with pytest.raises(JournalLost):
                    await journal.accept([new_run(clock.time)])
                async with asyncio.timeout(20):
                    while len(tries) < 5:
                        await asyncio.sleep(0.01)
            assert [line["event"] for line in lines].count("the journal cannot be written out again yet") == 1
            await submit_until_written(journal, clock)

    run_async(main)


def test_a_command_makes_no_new_journal_while_a_host_has_lost_its_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal, working(journal):
            await settled(journal, (await give(journal, new_run(clock.time)))[0])
            path.with_name("journal.db.partial").mkdir()  # so that it cannot be written out again yet
            path.unlink()
            path.with_name("journal.db-wal").unlink()
            with pytest.raises(JournalLost, match="its host is writing it out again; try again in a moment"):
                await SqliteJournal(path).open()
            assert not path.exists()
            path.with_name("journal.db.partial").rmdir()
            await submit_until_written(journal, clock)

    run_async(main)
    assert len(runs_in(path)) == 2
