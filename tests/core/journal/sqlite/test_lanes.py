import gc
from pathlib import Path

from jackfield.journal.records import Limits, Mode
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.claims import SqliteClaim
from jackfield.journal.sqlite.lanes import ROOM
from tests.core.journal.kit import Clock, Recorder, new_run, opened, run_async, until, working

RUNS = 20_000


def claims_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, SqliteClaim) for thing in gc.get_objects())


def test_runs_that_wait_do_not_all_sit_in_memory(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        accepted: list[str] = []
        async with (
            opened(SqliteJournal(tmp_path / "journal.db")) as journal,
            working(journal, handler, lambda _: Limits(50)),
        ):
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            for _ in range(RUNS // 500):
                accepted += [run.id for run in await journal.accept([new_run(clock.time) for _ in range(500)])]
            assert claims_in_memory() <= ROOM
            await journal.set_mode("orders", Mode.RUNNING, reason="", at=clock.time)
            await until(lambda: len(handler.runs) > RUNS // 2)
            assert claims_in_memory() <= 2 * ROOM
            await until(lambda: len(handler.runs) >= RUNS)
        assert handler.runs == accepted

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
