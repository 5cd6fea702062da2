"""Damage in the journal's file is found, and called what it is."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from jackfield.errors import JournalDamaged, JournalError, JournalUnavailable
from jackfield.journal.records import Retention, State
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.file.errors import unavailable
from jackfield.journal.sqlite.queue.startable import UNREADABLE
from jackfield.journal.views import Query
from tests.journal.kit import Clock, Recorder, give, new_run, opened, run_async, settled, until, working

RUNS = 100


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "journal.db"

    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal:
            await journal.accept([new_run(clock.time, {"n": n, "text": "x" * 500}) for n in range(RUNS)])

    run_async(main)
    return path


def damaged_copy(whole: Path, folder: Path, seed: int, places: int = 50) -> Path:
    path = folder / f"{seed}" / "journal.db"
    path.parent.mkdir()
    shutil.copy(whole, path)
    dice = random.Random(seed)
    with path.open("r+b") as file:
        for _ in range(places):
            file.seek(dice.randrange(100, whole.stat().st_size))
            file.write(dice.randbytes(2))
    return path


def test_flipped_bytes_are_called_damage_and_never_a_full_disk(whole: Path, tmp_path: Path) -> None:
    async def use(path: Path, seen: list[Exception]) -> None:
        clock = Clock()
        async with opened(SqliteJournal(path, now=clock)) as journal:
            runs = [run.id for run in (await journal.search(Query())).runs]
            for number in range(10):
                await give(journal, new_run(clock.time, {"text": "y" * 3000}))
                await journal.run(runs[number])
            await journal.backlog()
            await journal.prune(Retention(clock.time - clock.time, 0), clock.time)

    async def main() -> None:
        found = 0
        for seed in range(20):
            path, seen = damaged_copy(whole, tmp_path, seed), list[Exception]()
            try:
                await use(path, seen)
            except JournalError as error:
                seen.append(error)
            assert not [error for error in seen if "disk is full" in str(error) or "in Jackfield itself" in str(error)]
            try:
                async with opened(SqliteJournal(path)) as journal:
                    told = await journal.inspect()
                    assert bool(told) == (journal.trouble() is not None)
                    found += bool(told)
            except JournalDamaged:
                found += 1
        assert found > 15

    run_async(main)


def test_a_whole_file_has_no_damage(whole: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(whole)) as journal:
            assert await journal.inspect() == []
            assert await journal.inspect(whole=True) == []
            assert journal.trouble() is None

    run_async(main)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("DELETE FROM payload WHERE seq = 7", "1 runs have no event"),
        ("DELETE FROM run WHERE seq < 3", "2 events have no run"),
        ("UPDATE payload SET event = '{' WHERE seq = 5", "1 events or requests are not what was written"),
    ],
)
def test_the_whole_look_reads_every_event(whole: Path, tmp_path: Path, harm: str, told: str) -> None:
    path = Path(shutil.copy(whole, tmp_path / "journal.db"))

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal:
            await journal.writer.submit(lambda connection: connection.execute(harm).rowcount)
            assert await journal.inspect() == []
            assert await journal.inspect(whole=True) == [told]

    run_async(main)


def test_a_row_that_says_what_no_row_says_is_damage(whole: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(whole, tmp_path / "journal.db"))

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal:
            run = (await journal.search(Query(limit=1))).runs[0].id
            await journal.writer.submit(
                lambda connection: connection.execute("UPDATE payload SET event = '{'").rowcount
            )
            with pytest.raises(JournalDamaged, match=r"journal\.db: the file is damaged; stop the host"):
                await journal.run(run)
            assert isinstance(journal.trouble(), JournalDamaged)

    run_async(main)


def error(code: int, name: str = "", message: str = "") -> sqlite3.Error:
    found = sqlite3.OperationalError(message)
    found.sqlite_errorcode, found.sqlite_errorname = code, name
    return found


@pytest.mark.parametrize(
    ("raised", "said", "kind"),
    [
        (error(sqlite3.SQLITE_CORRUPT), "the file is damaged", JournalDamaged),
        (error(sqlite3.SQLITE_NOTADB), "the file is not an SQLite database", JournalDamaged),
        (error(sqlite3.SQLITE_TOOBIG), "the file is damaged", JournalDamaged),
        (error(522, "SQLITE_IOERR_SHORT_READ"), "the file is damaged", JournalDamaged),
        (error(1, "SQLITE_ERROR", "no such table: run"), "the file is damaged", JournalDamaged),
        (sqlite3.OperationalError("Could not decode to UTF-8 column"), "the file is damaged", JournalDamaged),
        (error(1034, "SQLITE_IOERR_FSYNC"), r"does not read or write \(SQLITE_IOERR_FSYNC\)", JournalUnavailable),
        (error(sqlite3.SQLITE_READONLY), "it may not be written", JournalUnavailable),
        (error(sqlite3.SQLITE_BUSY), "another process keeps it locked", JournalUnavailable),
        (error(1, "SQLITE_ERROR", "odd"), "SQLite says: odd", JournalUnavailable),
    ],
)
def test_each_fault_is_called_what_it_is(
    raised: sqlite3.Error, said: str, kind: Callable[..., JournalUnavailable]
) -> None:
    found = unavailable(Path("journal.db"), raised)
    assert type(found) is kind
    assert said.replace("\\", "") in str(found)


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (1000, "the disk is full; make room on it"),
        (73_000_000_000, "the file cannot grow, though 73000 MB are free on its disk: a quota is used up, or"),
    ],
)
def test_a_disk_is_called_full_only_if_it_is(monkeypatch: pytest.MonkeyPatch, free: int, said: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert said in str(unavailable(Path("journal.db"), error(sqlite3.SQLITE_FULL)))


def test_a_run_whose_row_is_damaged_fails_and_holds_up_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db", now=clock)) as journal:
            runs = await give(journal, *(new_run(clock.time, order_key="k") for _ in range(3)), new_run(clock.time))
            broken = "UPDATE payload SET event = '{' WHERE seq = 1"
            await journal.writer.submit(lambda connection: connection.execute(broken).rowcount)
            handler = Recorder()
            async with working(journal, handler):
                await settled(journal, runs[2])
                await until(lambda: journal.trouble() is not None)
            assert sorted(handler.runs) == sorted(runs[1:])
            found = (await journal.search(Query(states=frozenset({State.FAILED})))).runs
            assert [(run.id, run.error) for run in found] == [(runs[0], UNREADABLE)]

    run_async(main)
