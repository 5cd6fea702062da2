from datetime import timedelta

import pytest

from jackfield.components.values import Event
from jackfield.errors import NotFound
from jackfield.journal.protocol import Claim, Journal
from jackfield.journal.records import Attempt, Failed, Mode, Outcome, Replay, State, StepRecord, Succeeded, Verdict
from tests.journal.kit import (
    REQUEST,
    Clock,
    Journals,
    attempt,
    failed_run,
    give,
    new_run,
    opened,
    run_async,
    settled,
    state_of,
    working,
)


class Seen:
    """A handler that remembers the claims that it was given."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        self.claims[claim.run] = claim
        return Succeeded(), claim.version


async def replayed(journals: Journals, replay: Replay) -> tuple[str, Claim]:
    """Replay a run that failed in its third step; return its id and the replay's claim."""
    clock = Clock()
    seen = Seen()
    async with opened(journals(clock)) as journal:
        run = await failed_run(journal, clock.time)
        clock.advance(days=1)
        async with working(journal, seen):
            assert await journal.replay(run, replay, id="again", at=clock.time) == "again"
            view = await settled(journal, "again")
        assert (view.summary.state, view.summary.replay_of) == (State.SUCCEEDED, run)
        assert (view.summary.received_at, view.request) == (clock.time, REQUEST)
        origin = await journal.run(run)
        assert origin is not None
        assert origin.replays == ["again"]
        return run, seen.claims["again"]


def test_a_replay_is_a_new_run_of_the_same_event(journals: Journals) -> None:
    async def main() -> None:
        run, claim = await replayed(journals, Replay())
        assert (claim.root, claim.version, claim.pinned, claim.event) == (run, "v2", False, Event({"id": 7}))
        assert list(claim.done) == []

    run_async(main)


def test_a_replay_from_a_step_takes_the_results_before_it_over(journals: Journals) -> None:
    async def main() -> None:
        run, claim = await replayed(journals, Replay(from_step="step2"))
        assert (claim.root, claim.version, claim.pinned, claim.attempt) == (run, "v2", True, 1)
        assert list(claim.done) == [StepRecord(0, "step0", {"n": 0}), StepRecord(1, "step1", {"n": 1})]

    run_async(main)


def test_a_replay_may_ask_for_a_version_and_for_the_first_step(journals: Journals) -> None:
    async def main() -> None:
        _, claim = await replayed(journals, Replay(from_step="step0", version="v9"))
        assert (claim.version, claim.pinned, list(claim.done)) == ("v9", True, [])

    run_async(main)


def test_a_replay_with_another_event_is_its_own_root(journals: Journals) -> None:
    async def main() -> None:
        event = Event({"id": 8}, frozenset({"email"}), ("edited",))
        _, claim = await replayed(journals, Replay(event=event))
        assert (claim.root, claim.event) == ("again", event)

    run_async(main)


def test_a_replay_of_a_replay_has_the_same_root_and_may_reuse_what_was_reused(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        seen = Seen()
        async with opened(journals(clock)) as journal:
            run = await failed_run(journal, clock.time)
            await journal.replay(run, Replay(from_step="step2"), id="second", at=clock.time)
            with pytest.raises(NotFound, match="never came to a step 'step2'"):
                await journal.replay("second", Replay(from_step="step2"), id="third", at=clock.time)
            await journal.replay("second", Replay(from_step="step1"), id="third", at=clock.time)
            async with working(journal, seen):
                view = await settled(journal, "third")
            assert seen.claims["third"].root == run
            assert [(tried.step, tried.outcome, tried.result) for tried in view.attempts] == [
                ("step0", Outcome.REUSED, {"n": 0})
            ]

    run_async(main)


async def run_through(journal: Journal, *tries: Attempt) -> str:
    """Make a run that completed all of these but the last."""

    async def handler(claim: Claim) -> tuple[Verdict, str]:
        for tried in tries[:-1]:
            await claim.checkpoint(tried, version="v1")
        return Failed("no", tries[-1]), "v1"

    (run,) = await give(journal, new_run(Clock().time))
    async with working(journal, handler):
        await settled(journal, run)
    return run


def test_a_replay_takes_over_what_was_completed_wherever_the_steps_stand_by_now(journals: Journals) -> None:
    async def main() -> None:
        at = Clock().time
        tries = [attempt(at, place, step=step) for place, step in ((0, "a"), (1, "b"), (2, "c"), (1, "d"))]
        seen = Seen()
        async with opened(journals()) as journal:
            run = await run_through(journal, *tries)
            await journal.replay(run, Replay(from_step="d"), id="again", at=at)
            async with working(journal, seen):
                await settled(journal, "again")
            assert [record.step for record in seen.claims["again"].done] == ["a", "b", "c"]

    run_async(main)


def test_a_step_that_was_passed_over_cannot_be_taken_over(journals: Journals) -> None:
    async def main() -> None:
        at = Clock().time
        async with opened(journals()) as journal:
            run = await run_through(journal, attempt(at, 1), attempt(at, 2))
            with pytest.raises(NotFound, match="not completed the steps before 'step2'"):
                await journal.replay(run, Replay(from_step="step2"), id="again", at=at)

    run_async(main)


@pytest.mark.parametrize(
    ("of_unknown_run", "from_step", "words"),
    [(True, None, "no run nobody"), (False, "step9", "step9"), (False, "elsewhere", "elsewhere")],
)
def test_what_cannot_be_replayed_is_said(
    journals: Journals, *, of_unknown_run: bool, from_step: str | None, words: str
) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            run = "nobody" if of_unknown_run else await failed_run(journal, clock.time)
            with pytest.raises(NotFound, match=words):
                await journal.replay(run, Replay(from_step=from_step), id="again", at=clock.time)
            assert await journal.run("again") is None

    run_async(main)


def test_a_replay_is_never_a_duplicate_but_keeps_the_order(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            (run,) = await give(
                journal, new_run(clock.time, dedupe_key="7", dedupe_within=timedelta(days=1), order_key="7")
            )
            await journal.replay(run, Replay(), id="again", at=clock.time)
            assert await state_of(journal, "again") is State.HELD
            (twin,) = await journal.accept([new_run(clock.time, dedupe_key="7", dedupe_within=timedelta(days=1))])
            assert twin.duplicate_of == run
            seen = Seen()
            async with working(journal, seen):
                await journal.set_mode("orders", Mode.RUNNING, reason="", at=clock.time)
                await settled(journal, "again")
            assert list(seen.claims) == [run, "again"]

    run_async(main)


def test_a_replay_that_another_process_asks_for_is_run(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, opened(journals(clock)) as other:
            run = await failed_run(journal, clock.time)
            async with working(journal):
                await other.replay(run, Replay(), id="again", at=clock.time)
                assert (await settled(other, "again")).summary.state is State.SUCCEEDED

    run_async(main)
