import asyncio
from datetime import timedelta
from itertools import pairwise

from jackfield.components.units import parse_rate
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Limits, RetryAt, State, Succeeded, Verdict
from tests.journal.kit import (
    Clock,
    Gate,
    Journals,
    Recorder,
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


def test_no_more_runs_of_a_pipeline_go_at_once_than_its_limit(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        gate = Gate()
        async with opened(journals(clock)) as journal, working(journal, gate, lambda _: Limits(3)):
            runs = await give(journal, *(new_run(clock.time) for _ in range(10)))
            for done in range(0, 10, 3):
                await until(lambda done=done: len(gate.claims) == min(done + 3, 10))  # type: ignore[misc]
                gate.release()
            for run in runs:
                await settled(journal, run)
            assert gate.most == 3

    run_async(main)


def test_a_pipeline_at_its_limit_does_not_hold_up_another(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            if claim.pipeline == "slow":
                await asyncio.Event().wait()
            return Succeeded(), claim.version

        async with opened(journals(clock)) as journal, working(journal, handler, lambda _: Limits(1), grace=0):
            await give(journal, *(new_run(clock.time, pipeline="slow") for _ in range(3)))
            (quick,) = await give(journal, new_run(clock.time, pipeline="quick"))
            assert (await settled(journal, quick)).summary.state is State.SUCCEEDED

    run_async(main)


def test_starts_keep_the_distance_that_the_rate_asks_for(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        starts: list[float] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            starts.append(asyncio.get_running_loop().time())
            return Succeeded(), claim.version

        limits = Limits(rate=parse_rate("20/s"))
        async with opened(journals(clock)) as journal, working(journal, handler, lambda _: limits):
            await journal.accept([new_run(clock.time) for _ in range(5)])
            await until(lambda: len(starts) == 5)
            assert min(later - earlier for earlier, later in pairwise(starts)) >= 0.049

    run_async(main)


def test_runs_of_a_blocked_pipeline_start_when_it_is_no_longer_blocked(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        limits: dict[str, Limits] = {"other": Limits()}
        async with opened(journals(clock)) as journal, working(journal, limits=limits.get):
            (run,) = await give(journal, new_run(clock.time))
            (other,) = await give(journal, new_run(clock.time, pipeline="other"))
            await settled(journal, other)
            assert await state_of(journal, run) is State.QUEUED
            limits["orders"] = Limits()
            await journal.wake()
            assert (await settled(journal, run)).summary.state is State.SUCCEEDED

    run_async(main)


def test_runs_with_one_order_key_go_one_after_the_other(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        gate = Gate()
        async with opened(journals(clock)) as journal, working(journal, gate):
            runs = await give(journal, *(new_run(clock.time, order_key="7") for _ in range(4)))
            (other,) = await give(journal, new_run(clock.time, order_key="8"))
            await until(lambda: {claim.run for claim in gate.claims} == {runs[0], other})
            for number, run in enumerate(runs):
                await until(lambda run=run: run in gate.doors)  # type: ignore[misc]
                assert not set(runs[number + 1 :]) & {claim.run for claim in gate.claims}
                gate.release()
                await settled(journal, run)

    run_async(main)


def test_a_waiting_run_blocks_the_later_ones_with_its_key_and_no_others(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        due = clock.time + timedelta(hours=1)
        handler = Recorder(lambda claim: retry_once(due)(claim) if claim.event.data["id"] == 1 else Succeeded())
        async with opened(journals(clock)) as journal:
            async with working(journal, handler):
                (first,) = await give(journal, new_run(clock.time, {"id": 1}, order_key="7"))
                await settled(journal, first, State.WAITING)
                later = await give(journal, *(new_run(clock.time, order_key="7") for _ in range(2)))
                (other,) = await give(journal, new_run(clock.time, order_key="8"))
                await settled(journal, other)
            async with working(journal, handler):
                (another,) = await give(journal, new_run(clock.time))
                await settled(journal, another)
                assert handler.runs == [first, other, another]
                clock.time = due
                await journal.wake()
                await settled(journal, later[-1])
                assert handler.runs == [first, other, another, first, *later]

    run_async(main)


def test_a_cancelled_run_makes_way_for_the_next_with_its_key(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder(
            lambda claim: (
                RetryAt(clock.time + timedelta(days=1), "not now") if claim.event.data["id"] == 1 else Succeeded()
            )
        )
        async with opened(journals(clock)) as journal, working(journal, handler):
            first, second, third = await give(
                journal,
                new_run(clock.time, {"id": 1}, order_key="7"),
                new_run(clock.time, order_key="7"),
                new_run(clock.time, order_key="7"),
            )
            await settled(journal, first, State.WAITING)
            assert await journal.cancel(second)
            assert await state_of(journal, third) is State.QUEUED
            assert await journal.cancel(first)
            assert (await settled(journal, third)).summary.state is State.SUCCEEDED
            assert handler.runs == [first, third]

    run_async(main)
