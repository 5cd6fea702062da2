"""How far the runs of a pipeline have come."""

from __future__ import annotations

from datetime import timedelta

from jackfield.journal.protocol import Claim
from jackfield.journal.records import Failed, Mode, Outcome, RetryAt, Skipped, State, Succeeded, Verdict
from jackfield.journal.views import StepCount
from tests.journal.kit import Clock, Journals, attempt, give, new_run, opened, run_async, settled, working

DAY = timedelta(days=1)


def test_runs_are_counted_by_version_state_and_the_step_of_their_last_attempt(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        ends: dict[str, Verdict] = {
            "good": Succeeded(attempt(clock.time, 1)),
            "bad": Failed("no", attempt(clock.time, 1, Outcome.FAILED)),
            "odd": Skipped("why", attempt(clock.time, 1, Outcome.ENDED)),
            "late": RetryAt(clock.time + DAY, "not now", attempt(clock.time, 1, Outcome.RETRYING)),
            "put off": RetryAt(clock.time + DAY, "not now"),
        }

        async def handler(claim: Claim) -> tuple[Verdict, str]:
            await claim.checkpoint(attempt(clock.time, 0), version=claim.version)
            return ends[str(claim.event.data["end"])], claim.version

        async with opened(journals(clock)) as journal:
            async with working(journal, handler):
                await give(journal, new_run(clock.time - DAY, {"end": "good"}))
                for end in [*ends, "good", "bad"]:
                    version = "v2" if end == "odd" else "v1"
                    (run,) = await give(journal, new_run(clock.time, {"end": end}, version=version))
                    await settled(journal, run, State.WAITING, State.SUCCEEDED, State.FAILED, State.SKIPPED)
                await give(journal, new_run(clock.time, {"end": "good"}, pipeline="another"))
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            await give(journal, new_run(clock.time))
            found = await journal.standings("orders", clock.time)
            assert len(found) == 6
            for standing in (
                StepCount("v1", State.SUCCEEDED, 2),
                StepCount("v1", State.FAILED, 2, "step1", Outcome.FAILED),
                StepCount("v2", State.SKIPPED, 1, "step1", Outcome.ENDED),
                StepCount("v1", State.WAITING, 1, "step1", Outcome.RETRYING),
                StepCount("v1", State.WAITING, 1, "step0", Outcome.SUCCEEDED),
                StepCount("v1", State.HELD, 1),
            ):
                assert standing in found

    run_async(main)


def test_runs_that_succeeded_are_counted_by_version_also_where_it_changed_within_an_hour(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        start = clock.time
        async with opened(journals(clock)) as journal:
            async with working(journal):
                for version in ("v1", "v1", "v1", "v2", "v2", "v3"):
                    (run,) = await give(journal, new_run(clock.time, version=version))
                    await settled(journal, run)
                    clock.advance(minutes=25)
            found = {standing.version: standing.runs for standing in await journal.standings("orders", start)}
            assert found == {"v1": 3, "v2": 2, "v3": 1}
            later = await journal.standings("orders", start + timedelta(minutes=25))
            assert {standing.version: standing.runs for standing in later} == {"v1": 2, "v2": 2, "v3": 1}

    run_async(main)


def test_where_very_many_runs_are_in_a_state_the_newest_are_counted_and_that_is_said(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            oldest = new_run(clock.time - timedelta(seconds=1), version="v0")
            await journal.accept([oldest, *(new_run(clock.time) for _ in range(5000))])
            assert await journal.standings("another", clock.time - DAY) == []
            (standing,) = await journal.standings("orders", clock.time - DAY)
            assert standing == StepCount("v1", State.QUEUED, 5000, more=True)

    run_async(main)
