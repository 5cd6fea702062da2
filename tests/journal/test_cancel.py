import asyncio
from datetime import timedelta

import pytest

from jackfield.errors import LeaseLost
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Limits, Mode, State, Succeeded, Verdict
from tests.journal.kit import (
    Clock,
    Journals,
    Recorder,
    attempt,
    give,
    new_run,
    opened,
    retry_once,
    run_async,
    settled,
    state_of,
    until,
    working,
)


def test_a_queued_run_that_is_cancelled_never_starts(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        async with opened(journals(clock)) as journal:
            limits: dict[str, Limits] = {}
            async with working(journal, handler, limits.get):
                first, second = await give(journal, new_run(clock.time), new_run(clock.time))
                assert await journal.cancel(first)
                limits["orders"] = Limits()
                await journal.wake()
                await settled(journal, second)
                view = await settled(journal, first)
                assert (view.summary.state, view.summary.finished_at) == (State.CANCELLED, clock.time)
                assert handler.runs == [second]

    run_async(main)


def test_a_waiting_run_that_is_cancelled_is_not_tried_again(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder(retry_once(clock.time + timedelta(hours=1)))
        async with opened(journals(clock)) as journal, working(journal, handler):
            run, other = await give(journal, new_run(clock.time), new_run(clock.time))
            for waiting in (run, other):
                await settled(journal, waiting, State.WAITING)
            assert await journal.cancel(run)
            clock.advance(hours=1)
            await journal.wake()
            await settled(journal, other)
            assert await state_of(journal, run) is State.CANCELLED
            assert handler.runs == [run, other, other]

    run_async(main)


def test_a_held_run_can_be_cancelled(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            (run,) = await give(journal, new_run(clock.time))
            assert await state_of(journal, run) is State.HELD
            assert await journal.cancel(run)
            assert await state_of(journal, run) is State.CANCELLED

    run_async(main)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_running_run_that_is_cancelled_loses_its_lease(journals: Journals, *, elsewhere: bool) -> None:
    async def main() -> None:
        clock = Clock()
        claims: list[Claim] = []
        outcomes: list[str] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            claims.append(claim)
            await claim.lost.wait()
            try:
                await claim.checkpoint(attempt(clock.time), version="v1")
            except LeaseLost:
                outcomes.append("lost")
            return Succeeded(attempt(clock.time)), "v1"

        async with opened(journals(clock)) as journal, opened(journals(clock)) as other, working(journal, handler):
            (run,) = await give(journal, new_run(clock.time))
            await until(lambda: bool(claims))
            assert await (other if elsewhere else journal).cancel(run)
            await until(lambda: outcomes == ["lost"])
            (next_one,) = await give(journal, new_run(clock.time))
            await until(lambda: len(claims) == 2)
            assert await journal.cancel(next_one)
            view = await journal.run(run)
            assert view is not None
            assert (view.summary.state, view.attempts) == (State.CANCELLED, [])

    run_async(main)


def test_the_verdict_on_a_cancelled_run_is_not_written(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        started, go = asyncio.Event(), asyncio.Event()

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            started.set()
            await go.wait()
            return Succeeded(attempt(clock.time)), "v1"

        async with opened(journals(clock)) as journal:
            async with working(journal, handler):
                (run,) = await give(journal, new_run(clock.time))
                await started.wait()
                assert await journal.cancel(run)
                go.set()
            view = await journal.run(run)
            assert view is not None
            assert (view.summary.state, view.attempts) == (State.CANCELLED, [])

    run_async(main)


def test_a_settled_or_unknown_run_cannot_be_cancelled(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            (run,) = await give(journal, new_run(clock.time))
            await settled(journal, run)
            assert not await journal.cancel(run)
            assert not await journal.cancel("nobody")
            assert await state_of(journal, run) is State.SUCCEEDED

    run_async(main)
