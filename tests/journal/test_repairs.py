from collections.abc import Callable
from datetime import timedelta

import pytest

from jackfield.components.values import Event
from jackfield.errors import NotStanding
from jackfield.journal.protocol import Claim, Journal
from jackfield.journal.records import Failed, Outcome, Replay, Retention, SetAside, Skipped, State, Succeeded, Verdict
from jackfield.journal.views import Glance, Query, RunSummary
from tests.journal.kit import (
    Clock,
    Gate,
    Journals,
    Recorder,
    attempt,
    give,
    new_run,
    opened,
    retry_once,
    run_async,
    settled,
    until,
    working,
)

NO = Failed("no", attempt(Clock().time, outcome=Outcome.FAILED, error="no"))
ONLY_FAILED = frozenset({State.FAILED})


def ending(verdicts: dict[str, Verdict], otherwise: Verdict = NO) -> Recorder:
    return Recorder(lambda claim: verdicts.get(claim.run, otherwise))


async def replayed(journal: Journal, run: str, id: str, replay: Replay | None = None) -> None:
    await journal.replay(run, replay or Replay(), id=id, at=Clock().time)
    await settled(journal, id)


async def seen(journal: Journal, run: str) -> RunSummary:
    view = await journal.run(run)
    assert view is not None
    return view.summary


async def standing(journal: Journal) -> list[str]:
    return [run.id for run in (await journal.search(Query(states=ONLY_FAILED, repaired=False))).runs]


@pytest.mark.parametrize("verdict", [Succeeded(), Skipped("a filter")])
def test_a_replay_that_ends_well_repairs_the_failed_run_and_is_named_on_it(
    journals: Journals, verdict: Verdict
) -> None:
    async def main() -> None:
        async with opened(journals()) as journal, working(journal, ending({"again": verdict})):
            (run,) = await give(journal, new_run(Clock().time))
            await settled(journal, run)
            assert (await seen(journal, run)).stands
            await replayed(journal, run, "again")
            found = await seen(journal, run)
            assert (found.state, found.repaired_by, found.stands) == (State.FAILED, "again", False)
            assert await standing(journal) == []

    run_async(main)


def test_a_replay_of_a_replay_and_one_with_another_event_repair_all_that_failed_before(journals: Journals) -> None:
    async def main() -> None:
        edited = Replay(event=Event({"id": 8}))
        async with opened(journals()) as journal, working(journal, ending({"third": Succeeded()})):
            (run,) = await give(journal, new_run(Clock().time))
            await settled(journal, run)
            await replayed(journal, run, "first")
            await replayed(journal, run, "second")  # of the same run: a brother, no ancestor
            await replayed(journal, "first", "third", edited)
            names = [(await seen(journal, one)).repaired_by for one in (run, "first", "second", "third")]
            assert names == ["third", "third", "third", None]

    run_async(main)


def test_a_replay_that_fails_stands_for_the_run_that_it_replays(journals: Journals) -> None:
    async def main() -> None:
        async with opened(journals()) as journal, working(journal, ending({})):
            (run,) = await give(journal, new_run(Clock().time))
            await settled(journal, run)
            await replayed(journal, run, "first")
            assert (await seen(journal, run)).replaced_by == "first"
            assert await standing(journal) == ["first"]
            await replayed(journal, run, "second")
            assert await standing(journal) == ["second"]

    run_async(main)


def test_a_failure_after_the_repair_stands_unless_its_run_was_there_before(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        plan: Callable[[Claim], Verdict] = retry_once(clock.time + timedelta(hours=1))
        recorder = Recorder(lambda claim: plan(claim) if claim.root == claim.run and claim.attempt == 1 else NO)
        async with opened(journals(clock)) as journal, working(journal, recorder):
            (run,) = await give(journal, new_run(clock.time))
            await settled(journal, run, State.WAITING)
            recorder.plan = lambda claim: Succeeded() if claim.run == "first" else NO
            clock.advance(minutes=1)
            await journal.replay(run, Replay(), id="first", at=clock.time)
            await settled(journal, "first")
            await journal.retry_now(run)
            await settled(journal, run)
            assert (await seen(journal, run)).repaired_by == "first", "it was waiting when its replay succeeded"
            clock.advance(minutes=1)
            await journal.replay(run, Replay(), id="second", at=clock.time)
            await settled(journal, "second")
            assert await standing(journal) == ["second"], "somebody ran it once more after that"

    run_async(main)


def test_a_run_stays_repaired_when_its_repair_is_pruned(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            async with working(journal, ending({"again": Succeeded()})):
                (old,) = await give(journal, new_run(clock.time + timedelta(days=9)))
                await settled(journal, old)
                await journal.replay(old, Replay(), id="again", at=clock.time)
                await settled(journal, "again")
            await journal.prune(Retention(timedelta(days=1), 10**9), clock.time + timedelta(days=5))
            assert await journal.run("again") is None
            assert (await seen(journal, old)).repaired_by == "again"
            assert await standing(journal) == []

    run_async(main)


def test_a_failed_run_can_be_set_aside_with_a_note_and_taken_back(journals: Journals) -> None:
    async def main() -> None:
        word = SetAside(Clock().time, "anna", "тестовый заказ")
        async with opened(journals()) as journal, working(journal, ending({"well": Succeeded()})):
            (run,) = await give(journal, new_run(Clock().time))
            await give(journal, new_run(Clock().time, id="well"))
            await settled(journal, run)
            await settled(journal, "well")
            assert await journal.set_aside(run, word)
            assert ((await seen(journal, run)).set_aside, await standing(journal)) == (word, [])
            assert await journal.set_aside(run, None)
            assert ((await seen(journal, run)).set_aside, await standing(journal)) == (None, [run])
            assert not await journal.set_aside("well", word), "it has not failed"
            assert not await journal.set_aside("nobody", word)

    run_async(main)


def test_counts_know_which_failures_do_not_stand_any_more(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal, ending({"again": Succeeded()})):
            first, second, third = await give(journal, *[new_run(clock.time) for _ in range(3)])
            for run in (first, second, third):
                await settled(journal, run)
            await replayed(journal, first, "again")
            await journal.set_aside(second, SetAside(clock.time, "anna"))
            (failed,) = [one for one in await journal.counts(clock.time) if one.state is State.FAILED]
            assert (failed.runs, failed.repaired) == (3, 2)
            assert (await journal.backlog()).failures == {"orders": 1}
            (stands,) = [one for one in await journal.standings("orders", clock.time) if one.state is State.FAILED]
            assert stands.runs == 1
            text = Query(states=ONLY_FAILED, text="7", repaired=False)
            assert [run.id for run in (await journal.search(text)).runs] == [third]
            assert len((await journal.search(Query(states=ONLY_FAILED))).runs) == 3

    run_async(main)


def test_a_replay_if_the_run_stands_is_refused_where_it_would_be_done_twice(journals: Journals) -> None:
    async def main() -> None:
        gate, careful = Gate(), Replay(if_standing=True)
        async with opened(journals()) as journal:
            async with working(journal, ending({})):
                runs = await give(journal, *[new_run(Clock().time) for _ in range(2)])
                for run in runs:
                    await settled(journal, run)
            async with working(journal, gate):
                await journal.replay(runs[0], careful, id="first", at=Clock().time)
                await until(lambda: bool(gate.claims))
                with pytest.raises(NotStanding, match=r"a replay of run .* is under way: first"):
                    await journal.replay(runs[0], careful, id="second", at=Clock().time)
                gate.release()
                await settled(journal, "first")
            with pytest.raises(NotStanding, match="was repaired by first"):
                await journal.replay(runs[0], careful, id="second", at=Clock().time)
            await journal.set_aside(runs[1], SetAside(Clock().time, "anna"))
            with pytest.raises(NotStanding, match="was set aside"):
                await journal.replay(runs[1], careful, id="second", at=Clock().time)

    run_async(main)


def test_a_glance_says_in_short_how_runs_are(journals: Journals) -> None:
    async def handler(claim: Claim) -> tuple[Verdict, str]:
        if claim.run == "half":
            await claim.checkpoint(attempt(Clock().time, result=1), version="v1")
        return NO, "v1"

    async def main() -> None:
        async with opened(journals()) as journal, working(journal, handler):
            await give(journal, *[new_run(Clock().time, id=id, label="Анна") for id in ("half", "none")])
            for run in ("half", "none"):
                await settled(journal, run)
            assert await journal.glance(["none", "gone", "half"]) == [
                Glance("none", State.FAILED, stands=True, resumable=False, label="Анна", error="no"),
                Glance("half", State.FAILED, stands=True, resumable=True, label="Анна", error="no"),
            ]

    run_async(main)
