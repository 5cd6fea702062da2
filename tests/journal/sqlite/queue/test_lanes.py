import gc
import sqlite3
from contextlib import closing
from pathlib import Path

from jackfield.journal.records import Limits, Mode, State, Succeeded
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.queue.claims import SqliteClaim
from jackfield.journal.sqlite.queue.lanes import ROOM
from tests.journal.kit import Clock, Recorder, attempt, give, new_run, opened, run_async, settled, until, working

RUNS = 20_000


def claims_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, SqliteClaim) for thing in gc.get_objects())


def test_runs_that_wait_do_not_all_sit_in_memory(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        accepted: list[str] = []
        before = claims_in_memory()  # what failures in earlier tests of this process hold on to
        async with (
            opened(SqliteJournal(tmp_path / "journal.db")) as journal,
            working(journal, handler, lambda _: Limits(50)),
        ):
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            for _ in range(RUNS // 500):
                accepted += [run.id for run in await journal.accept([new_run(clock.time) for _ in range(500)])]
            assert claims_in_memory() - before <= ROOM
            await journal.set_mode("orders", Mode.RUNNING, reason="", at=clock.time)
            await until(lambda: len(handler.runs) > RUNS // 2)
            assert claims_in_memory() - before <= 2 * ROOM
            await until(lambda: len(handler.runs) >= RUNS)
        assert handler.runs == accepted

    run_async(main)


def test_runs_whose_verdicts_cannot_be_written_hold_up_no_others(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        nonsense = Succeeded(attempt(clock.time, index=1 << 64))
        handler = Recorder(lambda claim: nonsense if claim.event.data["id"] == 13 else Succeeded())
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            bad = await journal.accept([new_run(clock.time, {"id": 13}) for _ in range(ROOM)])
            (good,) = await give(journal, new_run(clock.time))
            assert (await settled(journal, good)).summary.state is State.SUCCEEDED
            for run in bad:
                assert (await settled(journal, run.id)).summary.state is State.FAILED
            assert handler.runs == [*(run.id for run in bad), good]

    run_async(main)


def test_a_run_that_could_not_be_loaded_is_loaded_when_it_can_be(tmp_path: Path) -> None:
    def rename(column: str, to: str) -> None:
        with closing(sqlite3.connect(tmp_path / "journal.db", timeout=10)) as connection, connection:
            connection.execute(f"ALTER TABLE payload RENAME COLUMN {column} TO {to}")

    async def main() -> None:
        clock = Clock()
        asked = 0

        def limits(_: str) -> Limits:
            nonlocal asked
            asked += 1
            return Limits()

        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            (run,) = await give(journal, new_run(clock.time))
            rename("blank", "gone")
            async with working(journal, Recorder(), limits):
                await until(lambda: asked > 3)
                rename("gone", "blank")
                assert (await settled(journal, run)).summary.state is State.SUCCEEDED

    run_async(main)


def test_keys_keep_their_order_when_most_of_their_runs_are_only_in_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        keys = ("a", "b", None)
        runs = [new_run(clock.time, order_key=keys[number % 3]) for number in range(3 * ROOM)]
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            await journal.accept(runs[: 2 * ROOM])
            async with working(journal, handler, lambda _: Limits(50)):
                await journal.accept(runs[2 * ROOM :])
                await until(lambda: len(handler.runs) >= len(runs))
        assert len(set(handler.runs)) == len(handler.runs)
        for key in ("a", "b"):
            mine = [run.id for run in runs if run.order_key == key]
            assert [run for run in handler.runs if run in set(mine)] == mine

    run_async(main)
