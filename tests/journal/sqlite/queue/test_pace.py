"""Replays and retries give way to events that come in."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from jackfield.components.units import parse_rate
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Limits, Outcome, Replay, RetryAt, State, Succeeded, Verdict
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.file.encoding import microseconds
from jackfield.journal.sqlite.queue.pace import Pace
from jackfield.journal.sqlite.queue.startable import poll_due_runs
from tests.journal.kit import (
    Clock,
    Recorder,
    attempt,
    give,
    new_run,
    opened,
    run_async,
    settled,
    state_of,
    until,
    working,
)


@pytest.fixture
def _small_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROOM", 20), ("_LOW", 5), ("_HANDFUL", 10)):
        monkeypatch.setattr(f"jackfield.journal.sqlite.queue.lanes.{name}", value)


async def replayed(journal: SqliteJournal, number: int) -> list[str]:
    """Make runs, and replay each; return the replays, which are queued."""
    async with working(journal, Recorder(), lambda _: Limits(50)):
        runs = await give(journal, *(new_run(Clock().time) for _ in range(number)))
        for run in runs:
            await settled(journal, run)
    for run in runs:
        await journal.replay(run, Replay(), id=f"again-{run}", at=Clock().time)
    return [f"again-{run}" for run in runs]


@pytest.mark.usefixtures("_small_lanes")
def test_a_new_run_overtakes_the_replays_that_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db", now=Clock())) as journal:
            replays = await replayed(journal, 60)
            handler = Recorder()
            async with working(journal, handler, lambda _: Limits(1)):
                await until(lambda: len(handler.runs) > 3)
                (new,) = await give(journal, new_run(Clock().time))
                await settled(journal, new)
                assert len(handler.runs) < 50
                await until(lambda: len(handler.runs) == 61)
            assert set(handler.runs) == {*replays, new}

    run_async(main)


@pytest.mark.usefixtures("_small_lanes")
def test_runs_that_overtake_others_are_carried_out_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db", now=Clock())) as journal:
            replays = await replayed(journal, 60)
            handler = Recorder()
            async with working(journal, handler, lambda _: Limits(2)):
                new: list[str] = []
                for _ in range(60):
                    new += await give(journal, new_run(Clock().time), new_run(Clock().time))
                    await asyncio.sleep(0.003)
                await until(lambda: len({*handler.runs}) == len(replays) + len(new))
                for run in (*replays, *new):
                    await settled(journal, run)
            assert set(Counter(handler.runs).values()) == {1}

    run_async(main)


def test_replays_keep_a_distance_while_events_come_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db", now=Clock())) as journal:
            replays = await replayed(journal, 21)
            starts: list[float] = []

            async def handler(claim: Claim) -> tuple[Verdict, str]:
                if claim.run in replays:
                    starts.append(time.monotonic())
                await asyncio.sleep(0)
                return Succeeded(), claim.version

            async with working(journal, handler, lambda _: Limits(30)):
                await until(lambda: len(starts) == 21)
            assert starts[-1] - starts[0] > 0.09

    run_async(main)


def test_many_retries_are_made_due_a_page_at_a_time_those_that_are_due_longest_first(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        due: list[timedelta] = [timedelta(seconds=number) for number in range(30, 0, -1)]

        def plan(_: Claim) -> Verdict:
            return RetryAt(clock.time + due.pop(), "no", attempt(clock.time, outcome=Outcome.RETRYING))

        async with opened(SqliteJournal(tmp_path / "journal.db", now=clock)) as journal:
            async with working(journal, Recorder(plan), lambda _: Limits(1)):
                runs = await give(journal, *(new_run(clock.time) for _ in range(30)))
                for run in runs:
                    await settled(journal, run, State.WAITING)
            with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
                findings = poll_due_runs(connection, microseconds(clock.time + timedelta(minutes=1)), 10, [])
            assert findings.due == {"orders"}
            states = [await state_of(journal, run) for run in runs]
            assert states == [State.QUEUED] * 10 + [State.WAITING] * 20
            clock.advance(minutes=2)
            async with working(journal, Recorder()):
                for run in runs:
                    assert (await settled(journal, run)).summary.state is State.SUCCEEDED

    run_async(main)


def test_work_that_can_wait_rests_while_events_come_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            assert journal.rest == 0.0
            await give(journal, new_run(Clock().time))
            assert journal.rest > 0.0

    run_async(main)


def test_for_each_event_a_run_of_the_background_may_start_besides() -> None:
    pace = Pace()
    pace.arrived(3)
    for _ in range(4):  # one in its time, three besides
        assert pace.delay(1.0) == 0.0
        pace.started(1.0)
    assert pace.delay(1.0) > 0.0
    pace.arrived(1)
    assert pace.delay(1.0) == 0.0


def test_what_starts_while_nothing_comes_in_is_not_held_against_what_comes_then() -> None:
    pace = Pace()
    for _ in range(100):
        assert pace.delay(1.0) == 0.0
        pace.started(1.0)
    pace.arrived(1)
    pace.started(1.0)
    assert pace.delay(1.0) > 0.0


def test_the_later_timers_are_the_longer_the_background_rests() -> None:
    pace = Pace()
    pace.arrived(1)
    rests = [pace.rest]
    for _ in range(40):
        pace.woke(0.02)
        rests.append(pace.rest)
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (0.01, 0.05)
    for _ in range(80):
        pace.woke(0.0)
    assert pace.rest == 0.01


def test_runs_that_may_start_within_a_millisecond_are_started_by_uvloop_too(tmp_path: Path) -> None:
    async def main() -> None:
        clock, handler = Clock(), Recorder()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            runs = await give(journal, *(new_run(clock.time) for _ in range(200)))
            async with working(journal, handler, lambda _: Limits(50, rate=parse_rate("5000/s"))):
                await until(lambda: len(handler.runs) == len(runs))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        faults: list[object] = []
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        runner.run(main())
        assert not faults
