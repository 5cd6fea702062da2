"""What can be read is brought out of a damaged journal, and the rest is said."""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils import uuid7

from jackfield.errors import JournalError, JournalUnavailable
from jackfield.journal.audit import AuditAction, NewAuditEntry, Via
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Failed, Mode, Outcome, Refusal, State, Succeeded, Verdict, Version
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.recovery.cells import rows_of
from jackfield.journal.sqlite.recovery.pages import Pages
from jackfield.journal.sqlite.recovery.salvage import LOST_EVENT, Salvage, salvage
from tests.journal.kit import REQUEST, Clock, attempt, new_run, opened, run_async, settled, working

RUNS = 120
PAGE = 4096
NOW = Clock().time


async def fill(path: Path, copies: Path) -> None:
    """Make a journal with something of everything; copy its files in the middle of it, and at its end."""
    clock = Clock()

    async def handler(claim: Claim) -> tuple[Verdict, str]:
        await claim.checkpoint(attempt(clock.time, 0, result={"n": 1}), version="v1")
        failed = attempt(clock.time, 1, Outcome.FAILED, error="no")
        return (Failed("no", failed) if claim.event.data["n"] % 7 == 0 else Succeeded(), "v1")  # type: ignore[operator]

    async with opened(SqliteJournal(path, now=clock)) as journal:
        for number in range(30):
            await journal.note(NewAuditEntry(clock.time, AuditAction.LOGIN, f"anna{number}", Via.PAGES))
        for pipeline in ("orders", "users"):
            await journal.keep(Version(pipeline, "v1", "title = 'x'\n" * 20))
        await journal.set_mode("users", Mode.HELD, reason="a reason", at=clock.time)
        for n in range(RUNS // 4):
            await journal.refuse(Refusal(str(uuid7()), "orders", clock.time, 503, "stopped", REQUEST))
            runs = [
                new_run(clock.time, {"n": n, "name": f"Студент {n}", "text": "я" * (n % 5) * 1500}),
                new_run(clock.time, {"n": n, "name": "x" * 300}),
                new_run(clock.time, {"n": n}, pipeline="users", order_key="k"),
                new_run(clock.time, {"n": n}, dedupe_key=f"key {n}"),
            ]
            await journal.accept(runs)
            await journal.accept([new_run(clock.time, {"n": n, "again": True}, dedupe_key=f"key {n}")])
            if n == RUNS // 8:
                async with working(journal, handler):
                    for run in (runs[0], runs[1], runs[3]):
                        await settled(journal, run.id)
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(path.with_name(name), copies / f"open{name.removeprefix('journal')}")
    shutil.copy(path, copies / "closed.db")


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, copies = tmp_path_factory.mktemp("journal"), tmp_path_factory.mktemp("copies")
    asyncio.run(fill(folder / "journal.db", copies))
    return copies


def tables_of(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def copy(journals: Path, target: Path, kind: str = "closed") -> Path:
    """Copy a journal to where it can be damaged."""
    path = target / "damaged.db"
    shutil.copy(journals / f"{kind}.db", path)
    if kind == "open":
        shutil.copy(journals / "open.db-wal", target / "damaged.db-wal")
    return path


def brought_out(path: Path) -> tuple[Salvage, dict[str, list[Any]]]:
    target = path.with_name("new.db")
    target.unlink(missing_ok=True)
    return salvage(path, target, NOW), tables_of(target)


def damage(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def usable(path: Path) -> None:
    """See that a host can work on a journal."""

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal, working(journal):
            (accepted,) = await journal.accept([new_run(NOW)])
            await settled(journal, accepted.id)
            assert await journal.inspect(whole=True) == []

    run_async(main)


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_a_whole_journal_is_brought_out_row_by_row(journals: Path, tmp_path: Path, kind: str) -> None:
    path = copy(journals, tmp_path, kind)
    found, tables = brought_out(path)
    assert found.whole
    assert tables == tables_of(journals / "closed.db")
    assert (found.rows["run"], found.rows["payload"], found.rows["duplicate"]) == (RUNS, RUNS, RUNS // 4)


def test_a_damaged_page_in_the_log_is_passed_over_and_told(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path, "open")
    log = tmp_path / "damaged.db-wal"
    frame = PAGE + 24
    damage(log, 32 + 10 * frame + 24 + 100, b"damage")
    found, tables = brought_out(path)
    assert (found.damaged_frames, found.whole) == (1, False)
    assert len(tables["payload"]) >= RUNS - 10


def test_the_damaged_files_are_left_as_they_are(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path, "open")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    brought_out(path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_page_that_is_zeroed_costs_what_was_in_it_and_nothing_else(journals: Path, tmp_path: Path) -> None:
    original = tables_of(journals / "closed.db")
    pages = (journals / "closed.db").stat().st_size // PAGE
    for number in random.Random(7).sample(range(1, pages), 12):
        path = copy(journals, tmp_path)
        damage(path, number * PAGE, bytes(PAGE))
        found, tables = brought_out(path)
        lost = sum(len(original[name]) - len(tables[name]) for name in ("run", "version", "refusal", "duplicate"))
        assert lost <= 80
        assert {row[0] for row in tables["run"]} <= {row[0] for row in original["run"]}
        assert set(tables["refusal"]) <= set(original["refusal"])
        changed = set(original["payload"]) - set(tables["payload"])
        assert len(changed) <= 40
        assert found.whole <= (tables == original)


def test_runs_whose_rows_are_lost_are_put_together_from_the_indexes_and_carried_out(
    journals: Path, tmp_path: Path
) -> None:
    path = copy(journals, tmp_path)
    with closing(Pages(path)) as pages:
        seqs = {
            number: [row.number for row in rows_of(pages, number) if row]
            for number in range(2, pages.count + 1)
            if any(row and len(row.values) > 15 for row in rows_of(pages, number))
        }
    page = max(seqs)
    damage(path, (page - 1) * PAGE, bytes(PAGE))
    found, tables = brought_out(path)
    assert found.damaged_pages == {"run": 1}
    assert found.rebuilt == len(seqs[page])
    assert (len(tables["run"]), found.without_event, found.unplaced) == (RUNS, [], [])
    original = {row[0]: row[1:6] for row in tables_of(journals / "closed.db")["run"]}
    assert {row[0]: (row[1], row[2], row[4]) for row in tables["run"]} == {
        seq: (id, root, pipeline) for seq, (id, root, _, pipeline, _) in original.items()
    }
    usable(path.with_name("new.db"))


def test_a_run_whose_event_is_lost_is_kept_and_fails_with_the_reason(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path)
    for needle in (b'{"n":29}', b'{"n":3}'):
        data = path.read_bytes()
        assert needle in data
        damage(path, data.index(needle), b"!" * len(needle))
    found, tables = brought_out(path)
    assert found.damaged_rows["payload"] == len(found.without_event) == 2
    assert (len(tables["run"]), len(tables["payload"])) == (RUNS, RUNS)

    async def main() -> None:
        async with opened(SqliteJournal(path.with_name("new.db"))) as journal:
            views = [await journal.run(id) for id in found.without_event]
            assert [view.summary.warnings for view in views if view] == [(LOST_EVENT,)] * 2
            assert all(view.summary.state in {State.FAILED, State.SUCCEEDED} for view in views if view)

    run_async(main)


def test_a_journal_without_its_first_page_is_brought_out(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path)
    damage(path, 0, bytes(PAGE))
    _, tables = brought_out(path)
    original = tables_of(journals / "closed.db")
    for name in ("run", "payload", "refusal", "attempt", "version"):
        assert tables[name] == original[name], name


def test_a_journal_of_which_only_the_log_is_left_is_brought_out(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path, "open")
    path.unlink()
    found, tables = brought_out(path)
    assert tables["payload"]
    assert found.rows["run"] == len(tables["run"])


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_flipped_bytes_cost_little_and_never_the_whole(journals: Path, tmp_path: Path, kind: str) -> None:
    for seed in range(12):
        path = copy(journals, tmp_path, kind)
        dice = random.Random(seed)
        for file in tmp_path.glob("damaged.db*"):
            size = file.stat().st_size
            for _ in range(50 if kind == "closed" else 25):
                damage(file, dice.randrange(size), dice.randbytes(1))
        found, tables = brought_out(path)
        assert len(tables["run"]) > RUNS / 3, seed
        assert len(tables["run"]) == len(tables["payload"]), seed
        assert not found.whole or kind == "open", seed
    usable(path.with_name("new.db"))


def test_a_file_that_is_cut_off_anywhere_is_brought_out(journals: Path, tmp_path: Path) -> None:
    size = (journals / "closed.db").stat().st_size
    kept = []
    for length in (1, 99, 100, 5000, size // 3, size // 2, size - 5000, size - 1):
        path = copy(journals, tmp_path)
        with path.open("r+b") as file:
            file.truncate(length)
        _, tables = brought_out(path)
        kept.append(len(tables["payload"]))
    assert kept == sorted(kept)
    assert kept[-1] > RUNS * 0.8


@settings(max_examples=40, deadline=None)
@given(
    data=st.binary(min_size=0, max_size=3 * 512), head=st.sampled_from([b"", b"SQLite format 3\0\x02\0\x02\x02\0@  "])
)
def test_whatever_is_in_a_file_reading_it_ends_and_raises_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.db"
    path.write_bytes(head + data)
    path.with_name("any.db-wal").write_bytes(b"\x37\x7f\x06\x82" + data)
    with closing(Pages(path)) as pages:
        for number in range(pages.count + 2):
            pages.root(number)
            list(rows_of(pages, number, table=True))


def test_nothing_is_written_over_and_nothing_taken_from_under_a_host(journals: Path, tmp_path: Path) -> None:
    path = copy(journals, tmp_path)
    target = tmp_path / "new.db"
    target.write_text("precious")
    with pytest.raises(JournalError, match=r"new\.db is there already; name another file with --into"):
        salvage(path, target, NOW)
    target.unlink()
    with pytest.raises(JournalError, match="there is nothing in this file"):
        salvage(tmp_path / "nowhere.db", target, NOW)
    code = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM run'); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(JournalUnavailable, match="another process has it open; stop the host"):
            salvage(path, target, NOW)
        process.kill()
    assert not target.exists()
