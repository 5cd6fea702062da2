import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from jackfield.errors import JournalDamaged, JournalUnavailable
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Limits, Retention, State, Succeeded, Verdict, Version
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.views import Query
from tests.journal.kit import Clock, give, new_run, opened, run_async, settled, succeed, working

ACCEPTING = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid_utils import uuid7
from jackfield.journal.records import NewRun, StoredRequest
from jackfield.journal.sqlite import SqliteJournal
from jackfield.components.values import Event

async def main():
    journal = SqliteJournal(Path(sys.argv[1]))
    await journal.open()
    while True:
        run = NewRun(str(uuid7()), "p", "v", datetime.now(UTC), Event({}), StoredRequest("GET", "", (), ""))
        await journal.accept([run])
        print(run.id, flush=True)

asyncio.run(main())
"""


FORMAT_2 = (Path(__file__).parent / "format2.sql").read_text()


def shape_of(path: Path) -> dict[str, object]:
    """Say which columns the tables of a file have, and how its indexes are made."""
    with closing(sqlite3.connect(path)) as connection:
        objects = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        return {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall()
            if kind == "table"
            else " ".join(sql.split())
            for kind, name, sql in objects
        }


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_a_copy_of_the_files_has_what_was_accepted(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "copy").mkdir()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            (run,) = await give(journal, new_run(Clock().time))
            for name in ("journal.db", "journal.db-wal"):
                shutil.copy(tmp_path / name, tmp_path / "copy" / name)
            async with opened(SqliteJournal(tmp_path / "copy" / "journal.db")) as copy:
                assert await copy.run(run) is not None

    run_async(main)


def test_what_was_accepted_survives_the_death_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with subprocess.Popen([sys.executable, "-c", ACCEPTING, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal:
            found = {run.id for run in (await journal.search(Query(limit=100_000))).runs}
        assert {line.strip() for line in acknowledged if line.endswith("\n")} <= found

    run_async(main)


def test_the_files_are_for_this_user_only(tmp_path: Path) -> None:
    async def main() -> None:
        mask = os.umask(0)
        try:
            async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal):
                await give(journal, new_run(Clock().time))
                await journal.indexed()
                modes = modes_in(tmp_path)
        finally:
            os.umask(mask)
        assert {"journal.db", "journal.db-wal", "journal.lock", "journal-search.db"} <= set(modes)
        assert set(modes.values()) == {0o600}

    run_async(main)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db")):
            pass
        connection = sqlite3.connect(tmp_path / "journal.db")
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        with pytest.raises(JournalUnavailable, match=r"journal\.db: the file is from a newer Jackfield .*99.* install"):
            await SqliteJournal(tmp_path / "journal.db").open()

    run_async(main)


def test_a_file_of_the_first_version_is_taken_on(tmp_path: Path) -> None:
    async def main() -> None:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
            connection.executescript(FORMAT_2)
            connection.execute("ALTER TABLE version DROP COLUMN kept_at")
            connection.execute("INSERT INTO version (pipeline, id, text) VALUES ('orders', 'v1', 'old')")
            connection.execute("PRAGMA user_version = 1")
        async with opened(SqliteJournal(tmp_path / "journal.db", now=Clock())) as journal:
            await journal.keep(Version("orders", "v1", "title = 'x'\n"))
            await journal.keep(Version("orders", "v2", ""))
            kept = await journal.versions("orders")
            assert [(one.version.id, one.since) for one in kept] == [("v2", Clock().time), ("v1", None)]

    run_async(main)


def test_a_file_of_an_earlier_format_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    async def main() -> None:
        with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
            connection.executescript(FORMAT_2)
        for name in ("old.db", "new.db"):
            async with opened(SqliteJournal(tmp_path / name)):
                pass
        assert shape_of(tmp_path / "old.db") == shape_of(tmp_path / "new.db")

    run_async(main)


def test_runs_that_were_repaired_before_that_was_noted_down_are_known_after_the_migration(tmp_path: Path) -> None:
    runs = [("a", None, "failed"), ("b", "a", "failed"), ("c", "b", "succeeded"), ("d", None, "failed")]

    async def main() -> None:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
            connection.executescript(FORMAT_2)
            for id, replay_of, state in runs:
                columns = (id, id, replay_of, state)
                connection.execute(
                    "INSERT INTO run (id, root, replay_of, pipeline, version, state, received_at, finished_at)"
                    " VALUES (?, ?, ?, 'orders', 'v1', ?, 0, 1)",
                    columns,
                )
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            found = (await journal.search(Query(states=frozenset({State.FAILED})))).runs
            assert {run.id: run.repaired_by for run in found} == {"a": "c", "b": "c", "d": None}

    run_async(main)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database" * 1000)

    async def main() -> None:
        with pytest.raises(JournalUnavailable, match=r"journal\.db: the file is not an SQLite database; put back"):
            await SqliteJournal(path).open()
        with pytest.raises(JournalUnavailable, match="see that its folder exists"):
            await SqliteJournal(tmp_path / "nowhere" / "journal.db").open()

    run_async(main)
    assert path.read_bytes() == b"not a database" * 1000


@pytest.mark.parametrize("beside", ["journal.db-wal", "journal.db-shm", "journal.lock", "journal-search.db"])
def test_an_empty_file_where_a_journal_was_is_not_taken_for_a_new_one(tmp_path: Path, beside: str) -> None:
    path = tmp_path / "journal.db"

    async def main() -> None:
        path.touch()
        (tmp_path / beside).write_bytes(b"x")
        with pytest.raises(JournalDamaged, match=f"the file is empty, though there was a journal; .* delete {beside}"):
            await SqliteJournal(path).open()
        assert path.stat().st_size == 0
        (tmp_path / beside).unlink()
        async with opened(SqliteJournal(path)) as journal:
            await give(journal, new_run(Clock().time))

    run_async(main)


def test_a_log_whose_journal_is_gone_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        log = tmp_path / "journal.db-wal"
        log.write_bytes(b"the newest part of it")
        with pytest.raises(JournalDamaged, match=r"the file is gone, though there was a journal; .* journal\.db-wal"):
            await SqliteJournal(tmp_path / "journal.db").open()
        assert modes_in(tmp_path).keys() == {"journal.db-wal"}
        assert log.read_bytes() == b"the newest part of it"

    run_async(main)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "journal.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE precious (value)")
        with pytest.raises(JournalUnavailable, match="is a database of something else; name another file"):
            await SqliteJournal(path).open()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("precious",)]

    run_async(main)


def test_a_new_journal_is_in_its_file_before_anything_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db")):
            shutil.copy(tmp_path / "journal.db", tmp_path / "copy.db")
        with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] > 0

    run_async(main)


def test_only_one_host_works_on_a_journal(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "journal.db"
        async with opened(SqliteJournal(path)) as journal, opened(SqliteJournal(path)) as other:
            async with working(journal):
                (run,) = await give(journal, new_run(Clock().time))
                await settled(journal, run)
                with pytest.raises(JournalUnavailable, match="another host is working on this journal; stop it"):
                    await other.work(succeed, lambda _: Limits(), asyncio.Event(), 0)
                with pytest.raises(JournalUnavailable, match="only the host that works"):
                    await other.indexed()
            async with working(other):
                pass

    run_async(main)


def test_a_closed_journal_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    async def main() -> None:
        before = set(threading.enumerate())
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal):
            (run,) = await give(journal, new_run(Clock().time))
            await journal.run(run)
        assert set(threading.enumerate()) == before
        assert sorted(modes_in(tmp_path)) == ["journal-search.db", "journal.db", "journal.lock"]
        with pytest.raises(JournalUnavailable, match=r"journal\.db: the journal is closed"):
            await give(journal, new_run(Clock().time))
        with pytest.raises(JournalUnavailable, match=r"journal\.db: the journal is closed"):
            await journal.run(run)

    run_async(main)


@pytest.mark.parametrize("harm", ["gone", "damaged", "of another journal", "of an earlier format"])
def test_a_text_index_that_is_of_no_use_is_made_anew(tmp_path: Path, harm: str) -> None:
    async def fill(path: Path, name: str) -> None:
        async with opened(SqliteJournal(path)) as journal, working(journal):
            await give(journal, new_run(Clock().time, {"name": name}))
            await journal.indexed()

    async def main() -> None:
        path = tmp_path / "journal.db"
        await fill(path, "Иван")
        index = tmp_path / "journal-search.db"
        if harm == "gone":
            index.unlink()
        elif harm == "damaged":
            index.write_bytes(b"\xff" * 5000)
        elif harm == "of an earlier format":
            with closing(sqlite3.connect(index)) as connection:
                connection.execute("PRAGMA user_version = 0")
            async with opened(SqliteJournal(path)) as journal:
                assert (await journal.search(Query(text="иван"))).unindexed == 1
        else:
            await fill(tmp_path / "other.db", "Пётр")
            shutil.copy(tmp_path / "other-search.db", index)
        async with opened(SqliteJournal(path)) as journal, working(journal):
            await journal.indexed()
            page = await journal.search(Query(text="иван"))
            assert (len(page.runs), page.unindexed) == (1, 0)

    run_async(main)


def test_the_space_of_what_is_deleted_goes_back_to_the_disk(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "journal.db"
        clock = Clock()
        done = asyncio.Event()
        count = 0

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            nonlocal count
            count += 1
            if count == 500:
                done.set()
            return Succeeded(), claim.version

        async with opened(SqliteJournal(path, now=clock)) as journal:
            async with working(journal, handler):
                await journal.accept([new_run(clock.time, {"text": "x" * 10_000}) for _ in range(500)])
                await done.wait()
            clock.advance(days=31)
            before = path.stat().st_size
            assert await journal.prune(Retention(timedelta(days=30), 1 << 60), clock.time) == 500
            assert path.stat().st_size < before / 10

    run_async(main)
