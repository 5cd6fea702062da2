import asyncio
from datetime import timedelta
from typing import Any

import pytest

from jackfield.errors import JournalUnavailable, LeaseLost
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Failed, Limits, Outcome, RetryAt, Skipped, State, StepRecord, Succeeded, Verdict
from tests.journal.kit import (
    Clock,
    Gate,
    Journals,
    Recorder,
    always,
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


@pytest.mark.parametrize(
    ("verdict", "state", "error"),
    [
        (Succeeded(), State.SUCCEEDED, None),
        (Skipped("a test user"), State.SKIPPED, "a test user"),
        (Failed("no such course"), State.FAILED, "no such course"),
    ],
)
def test_a_verdict_settles_the_run(journals: Journals, verdict: Verdict, state: State, error: str | None) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal, Recorder(always(verdict))):
            (run,) = await give(journal, new_run(clock.time))
            summary = (await settled(journal, run)).summary
            assert (summary.state, summary.error, summary.finished_at) == (state, error, clock.time)

    run_async(main)


def test_the_last_attempt_is_written_with_the_verdict(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        last = attempt(clock.time, result={"имя": [1, None]}, traceback="Traceback ...", error="\ud800")
        async with opened(journals(clock)) as journal, working(journal, Recorder(always(Failed("no", last)))):
            (run,) = await give(journal, new_run(clock.time))
            (written,) = (await settled(journal, run)).attempts
            assert written.error == "\\ud800"
            assert written == attempt(clock.time, result={"имя": [1, None]}, traceback="Traceback ...", error="\\ud800")

    run_async(main)


def test_a_claim_says_what_is_to_be_done(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        gate = Gate()
        async with opened(journals(clock)) as journal, working(journal, gate):
            new = new_run(clock.time)
            await journal.accept([new])
            await until(lambda: bool(gate.claims))
            claim = gate.claims[0]
            assert (claim.run, claim.root, claim.pipeline, claim.version) == (new.id, new.id, "orders", "v1")
            assert (claim.pinned, claim.received_at, claim.event) == (False, clock.time, new.event)
            assert (claim.attempt, list(claim.done), claim.lost.is_set()) == (1, [], False)
            gate.release()

    run_async(main)


def test_a_run_that_was_cut_off_goes_on_after_its_completed_steps(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        seen: list[Claim] = []

        async def hang(claim: Claim) -> tuple[Verdict, str]:
            await claim.checkpoint(attempt(clock.time, 0, result={"id": 1}), version="v2")
            await claim.checkpoint(attempt(clock.time, 1, Outcome.SKIPPED), version="v2")
            assert [record.index for record in claim.done] == [0, 1]
            seen.append(claim)
            await asyncio.Event().wait()
            raise AssertionError

        async def finish(claim: Claim) -> tuple[Verdict, str]:
            seen.append(claim)
            return Succeeded(attempt(clock.time, 2)), claim.version

        async with opened(journals(clock)) as journal:
            (run,) = await give(journal, new_run(clock.time))
            async with working(journal, hang, grace=0):
                await until(lambda: bool(seen))
            assert await state_of(journal, run) is State.QUEUED
            async with working(journal, finish):
                view = await settled(journal, run)
            assert (seen[1].version, seen[1].pinned, seen[1].attempt) == ("v2", True, 1)
            assert list(seen[1].done) == [StepRecord(0, "step0", {"id": 1}), StepRecord(1, "step1", None)]
            assert [tried.index for tried in view.attempts] == [0, 1, 2]

    run_async(main)


def test_a_retry_is_never_early_and_comes_when_it_is_due(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        due = {"a": clock.time + timedelta(hours=1), "b": clock.time + timedelta(hours=1, microseconds=1)}
        handler = Recorder(lambda claim: retry_once(due[str(claim.event.data["id"])])(claim))
        async with opened(journals(clock)) as journal, working(journal, handler):
            first, second = await give(journal, new_run(clock.time, {"id": "a"}), new_run(clock.time, {"id": "b"}))
            for id, run in (("a", first), ("b", second)):
                view = await settled(journal, run, State.WAITING)
                assert (view.summary.due_at, view.summary.error) == (due[id], "not now")
            clock.time = due["a"]
            await journal.wake()
            assert (await settled(journal, first)).summary.state is State.SUCCEEDED
            assert handler.runs == [first, second, first]
            clock.time = due["b"]
            await journal.wake()
            assert (await settled(journal, second)).summary.state is State.SUCCEEDED

    run_async(main)


def test_a_retry_counts_and_survives_a_restart(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        numbers: list[int] = []

        def plan(claim: Claim) -> Verdict:
            numbers.append(claim.attempt)
            return RetryAt(clock.time + timedelta(days=2), "not now", attempt(clock.time, outcome=Outcome.RETRYING))

        for expected in ([1], [1, 2], [1, 2, 3]):
            async with opened(journals(clock)) as journal, working(journal, Recorder(plan)):
                if expected == [1]:
                    (run,) = await give(journal, new_run(clock.time))
                await until(lambda expected=expected: numbers == expected)  # type: ignore[misc]
                view = await settled(journal, run, State.WAITING)
                assert len(view.attempts) == len(expected)
            clock.advance(days=2)

    run_async(main)


def test_a_run_that_is_put_off_has_not_been_tried(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        numbers: list[int] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            numbers.append(claim.attempt)
            if len(numbers) == 1:
                raise JournalUnavailable("the disk is full")
            if len(numbers) == 2:
                return RetryAt(clock.time, "later"), claim.version
            return Succeeded(), claim.version

        async with opened(journals(clock)) as journal, working(journal, handler):
            (run,) = await give(journal, new_run(clock.time))
            view = await settled(journal, run, State.WAITING)
            assert view.summary.error == "the disk is full"
            clock.advance(minutes=1)
            view = await settled(journal, run)
            assert (numbers, view.attempts) == ([1, 1, 1], [])

    run_async(main)


def test_a_waiting_run_can_be_made_due(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            handler = Recorder(retry_once(clock.time + timedelta(days=1)))
            async with working(journal, handler):
                (run,) = await give(journal, new_run(clock.time))
                assert not await journal.retry_now("nobody")
                await settled(journal, run, State.WAITING)
                assert await journal.retry_now(run)
                assert (await settled(journal, run)).summary.state is State.SUCCEEDED
                assert not await journal.retry_now(run)

    run_async(main)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by nought"), asyncio.CancelledError("odd"), BaseException("of no kind")]
)
def test_a_handler_that_raises_fails_its_run_and_nothing_else(journals: Journals, error: BaseException) -> None:
    async def main() -> None:
        clock = Clock()

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            if claim.event.data["id"] == 13:
                raise error
            return Succeeded(), claim.version

        async with opened(journals(clock)) as journal, working(journal, handler):
            bad, good = await give(journal, new_run(clock.time, {"id": 13}), new_run(clock.time))
            assert (await settled(journal, good)).summary.state is State.SUCCEEDED
            view = await settled(journal, bad)
            assert view.summary.state is State.FAILED
            assert view.summary.error == f"the handler raised {type(error).__name__}: {error}"
            assert "Traceback" in (view.attempts[0].traceback or "")

    run_async(main)


@pytest.mark.parametrize("nonsense", [{"result": object()}, {"index": 1 << 64}])
def test_a_verdict_that_cannot_be_written_fails_the_run(journals: Journals, nonsense: dict[str, Any]) -> None:
    async def main() -> None:
        clock = Clock()
        verdict = Succeeded(attempt(clock.time, **nonsense))
        async with opened(journals(clock)) as journal, working(journal, Recorder(always(verdict))):
            (run,) = await give(journal, new_run(clock.time))
            view = await settled(journal, run)
            assert view.summary.state is State.FAILED
            assert "the handler raised" in (view.summary.error or "")

    run_async(main)


def test_what_is_running_may_end_within_the_grace_period(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        gate = Gate()
        stop = asyncio.Event()
        async with opened(journals(clock)) as journal:
            (first,) = await give(journal, new_run(clock.time))
            work = asyncio.create_task(journal.work(gate, lambda _: Limits(), stop, 10))
            await until(lambda: len(gate.doors) == 1)
            stop.set()
            (second,) = await give(journal, new_run(clock.time))
            gate.release()
            await work
            assert await state_of(journal, first) is State.SUCCEEDED
            assert await state_of(journal, second) is State.QUEUED
            assert len(gate.claims) == 1

    run_async(main)


def test_a_handler_that_has_lost_its_lease_is_dropped_without_a_word(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        seen: list[str] = []

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            seen.append(claim.run)
            await claim.lost.wait()
            raise LeaseLost("cancelled")

        async with opened(journals(clock)) as journal, working(journal, handler):
            (run,) = await give(journal, new_run(clock.time))
            await until(lambda: seen == [run])
            assert await journal.cancel(run)
        async with opened(journals(clock)) as journal:
            view = await journal.run(run)
            assert view is not None
            assert (view.summary.state, view.attempts) == (State.CANCELLED, [])

    run_async(main)


def test_a_run_that_takes_long_is_shown_as_running(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        gate = Gate()
        async with opened(journals(clock)) as journal:
            async with working(journal, gate, grace=0):
                (run,) = await give(journal, new_run(clock.time))
                await settled(journal, run, State.RUNNING)
                assert (await journal.backlog()).states[State.RUNNING] == 1
            assert await state_of(journal, run) is State.QUEUED

    run_async(main)


def test_the_backlog_counts_what_is_still_to_be_done(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            assert (await journal.backlog()).oldest is None
            first = clock.time
            runs = await give(journal, new_run(first), new_run(first + timedelta(hours=1), pipeline="users"))
            backlog = await journal.backlog()
            assert (backlog.states[State.QUEUED], backlog.oldest) == (2, first)
            async with working(journal):
                for run in runs:
                    await settled(journal, run)
            backlog = await journal.backlog()
            assert (backlog.states[State.QUEUED], backlog.oldest) == (0, None)

    run_async(main)
