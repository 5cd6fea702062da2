"""A process that dies leaves a file; here it is put back after a stop, which a real death would not have cleaned up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.journal.protocol import Claim
from jackfield.journal.records import Deaths, Outcome, State, Succeeded, Verdict
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.sqlite.queue.deaths import DIED
from jackfield.journal.sqlite.queue.flight import Flight, FlightRecorder
from tests.journal.kit import Clock, Recorder, attempt, give, new_run, opened, run_async, settled, until, working

FLIGHTS = "journal.flights"


class Fatal:
    """A handler that begins a step of each run and waits; `executing` says of which runs the code is on the stack."""

    def __init__(self, executing: Callable[[Claim], bool] = lambda _: False) -> None:
        self.executing = executing
        self.claims: list[Claim] = []

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        claim.begin("send", len(claim.done), claim.received_at)
        self.claims.append(claim)
        if self.executing(claim):
            claim.executing(True)  # noqa: FBT003
        await asyncio.Event().wait()
        raise AssertionError


async def die(folder: Path, runs: int, handler: Fatal) -> None:
    """Work on the journal until so many runs are under way, and die."""
    async with opened(SqliteJournal(folder / "journal.db", now=Clock())) as journal:
        async with working(journal, handler, grace=0):
            await until(lambda: len(handler.claims) == runs)
            left = (folder / FLIGHTS).read_bytes()
        assert not (folder / FLIGHTS).exists()
        (folder / FLIGHTS).write_bytes(left)


async def deaths_of(folder: Path, runs: int) -> dict[str, Deaths]:
    """Carry all runs out; return what was known of each."""
    found: dict[str, Deaths] = {}

    def plan(claim: Claim) -> Verdict:
        found[claim.run] = claim.deaths
        return Succeeded()

    async with opened(SqliteJournal(folder / "journal.db")) as journal, working(journal, Recorder(plan)):
        await until(lambda: len(found) == runs)
        for run in found:
            await settled(journal, run)
    return found


async def accept(folder: Path, number: int) -> list[str]:
    async with opened(SqliteJournal(folder / "journal.db")) as journal:
        return await give(journal, *(new_run(Clock().time) for _ in range(number)))


def test_the_run_whose_code_was_executing_is_blamed_and_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        first, second, third = await accept(tmp_path, 3)
        await die(tmp_path, 3, Fatal(lambda claim: claim.run == second))
        assert await deaths_of(tmp_path, 3) == {first: Deaths(1, 0), second: Deaths(1, 1), third: Deaths(1, 0)}

    run_async(main)


def test_of_runs_that_all_waited_none_is_blamed_but_one_that_is_alone_the_next_time_is(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = await accept(tmp_path, 2)
        await die(tmp_path, 2, Fatal())
        await die(tmp_path, 1, Fatal())  # suspects are carried out one at a time
        assert await deaths_of(tmp_path, 2) == {first: Deaths(2, 1), second: Deaths(1, 0)}

    run_async(main)


def test_the_attempt_that_was_under_way_is_in_the_history(tmp_path: Path) -> None:
    async def main() -> None:
        (run,) = await accept(tmp_path, 1)
        await die(tmp_path, 1, Fatal())
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, Recorder()):
            view = await settled(journal, run)
        (cut_off,) = view.attempts
        assert (cut_off.step, cut_off.index, cut_off.number, cut_off.outcome) == ("send", 0, 1, Outcome.RETRYING)
        assert (cut_off.error, cut_off.started_at) == (f"step send: {DIED}", Clock().time)
        assert view.summary.state is State.SUCCEEDED

    run_async(main)


def test_a_stop_in_good_order_counts_nothing_even_if_it_cuts_runs_off(tmp_path: Path) -> None:
    async def main() -> None:
        (run,) = await accept(tmp_path, 1)
        handler = Fatal(lambda _: True)
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler, grace=0):
            await until(lambda: bool(handler.claims))
        assert await deaths_of(tmp_path, 1) == {run: Deaths()}

    run_async(main)


def test_a_completed_step_acquits_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        (run,) = await accept(tmp_path, 1)
        await die(tmp_path, 1, Fatal(lambda _: True))
        acquitted = asyncio.Event()

        async def go_on(claim: Claim) -> tuple[Verdict, str]:
            assert claim.deaths == Deaths(1, 1)
            await claim.checkpoint(attempt(Clock().time), version="v2")
            assert claim.deaths == Deaths()
            acquitted.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, go_on, grace=0):
            await until(acquitted.is_set)
        assert await deaths_of(tmp_path, 1) == {run: Deaths()}

    run_async(main)


def test_what_was_settled_or_is_of_another_journal_counts_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        done, other = await accept(tmp_path, 2)
        await die(tmp_path, 2, Fatal())
        left = (tmp_path / FLIGHTS).read_bytes()
        (tmp_path / FLIGHTS).unlink()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, Recorder()):
            await settled(journal, done)
            await settled(journal, other)
        (new,) = await accept(tmp_path, 1)
        (tmp_path / FLIGHTS).write_bytes(left.replace(other.encode(), new.encode()))
        assert await deaths_of(tmp_path, 1) == {new: Deaths()}

    run_async(main)


def test_suspects_are_carried_out_one_at_a_time_before_anything_else(tmp_path: Path) -> None:
    async def main() -> None:
        suspects = await accept(tmp_path, 3)
        await die(tmp_path, 3, Fatal())
        others = await accept(tmp_path, 3)
        going: list[str] = []
        company: dict[str, int] = {}
        order: list[str] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            going.append(claim.run)
            order.append(claim.run)
            await asyncio.sleep(0.01)
            company[claim.run] = len(going)
            going.remove(claim.run)
            return Succeeded(), claim.version

        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            await until(lambda: len(company) == 6)
        assert order[:3] == suspects
        assert [company[run] for run in suspects] == [1, 1, 1]
        assert set(order[3:]) == set(others)
        assert max(company[run] for run in others) > 1

    run_async(main)


def test_a_suspect_that_takes_long_does_not_keep_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jackfield.journal.sqlite.queue.deaths._LONGEST", 0.1)

    async def main() -> None:
        (slow,) = await accept(tmp_path, 1)
        await die(tmp_path, 1, Fatal())
        (other,) = await accept(tmp_path, 1)
        gate = asyncio.Event()

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            if claim.run == slow:
                await gate.wait()
            return Succeeded(), claim.version

        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, handler):
            await settled(journal, other)
            gate.set()
            await settled(journal, slow)

    run_async(main)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=2000), whole=st.booleans())
def test_whatever_is_in_the_file_it_can_be_read(tmp_path: Path, noise: bytes, whole: bool) -> None:  # noqa: FBT001
    recorder = FlightRecorder(tmp_path / "journal.db")
    recorder.open()
    if whole:
        (tmp_path / FLIGHTS).write_bytes((b"jackfl01" + noise).ljust((tmp_path / FLIGHTS).stat().st_size, b"\xff"))
    else:
        (tmp_path / FLIGHTS).write_bytes(noise)
    for flight in FlightRecorder(tmp_path / "journal.db").open():
        assert isinstance(flight, Flight)


def test_more_runs_than_there_is_room_for_are_carried_out_without_a_note(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path / "journal.db")
    assert recorder.open() == []
    slots = [recorder.take_off() for _ in range(1025)]
    assert (len({*slots}), slots[-1]) == (1025, 0)
    for number, slot in enumerate(slots, 1):
        recorder.note(slot, Flight(number, "run", "имя" * 60, 0, 1, 7))
    recorder.land(slots[-1])
    assert len(FlightRecorder(tmp_path / "journal.db").open()) == 1024


def test_without_its_file_the_host_works_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / FLIGHTS).mkdir()
        (run,) = await accept(tmp_path, 1)
        assert await deaths_of(tmp_path, 1) == {run: Deaths()}

    run_async(main)
