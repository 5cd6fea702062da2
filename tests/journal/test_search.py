from collections.abc import Sequence
from datetime import timedelta

import pytest

from jackfield.errors import JournalError
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Failed, Mode, Skipped, State, Succeeded, Verdict
from jackfield.journal.views import Query
from tests.journal.kit import (
    Clock,
    Journals,
    Recorder,
    give,
    new_run,
    opened,
    run_async,
    settled,
    working,
)

HOUR = timedelta(hours=1)


async def found(journal: Journal, query: Query) -> list[str]:
    return [run.id for run in (await journal.search(query)).runs]


async def pages(journal: Journal, query: Query) -> list[list[str]]:
    """Follow the cursor to the end."""
    result = []
    while True:
        page = await journal.search(query)
        result.append([run.id for run in page.runs])
        if page.cursor is None:
            return result
        query = Query(query.pipeline, query.states, query.since, query.until, query.text, page.cursor, query.limit)


async def hourly(journal: Journal, clock: Clock, pipelines: Sequence[str]) -> list[str]:
    """Accept one run an hour."""
    runs = []
    for number, pipeline in enumerate(pipelines):
        runs += await give(journal, new_run(clock.time, {"number": number}, pipeline=pipeline))
        clock.advance(hours=1)
    return runs


def test_runs_are_listed_newest_first_and_filtered_by_pipeline_and_time(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        start = clock.time
        async with opened(journals(clock)) as journal:
            a, b, c, d = await hourly(journal, clock, ["orders", "users", "orders", "users"])
            assert await found(journal, Query()) == [d, c, b, a]
            assert await found(journal, Query(pipeline="orders")) == [c, a]
            assert await found(journal, Query(pipeline="nobody")) == []
            assert await found(journal, Query(since=start + HOUR)) == [d, c, b]
            assert await found(journal, Query(until=start + HOUR)) == [a]
            assert await found(journal, Query(since=start + HOUR, until=start + 3 * HOUR)) == [c, b]
            assert await found(journal, Query(pipeline="users", until=start + 3 * HOUR)) == [b]

    run_async(main)


def test_runs_are_filtered_by_state(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        verdicts: dict[str, Verdict] = {"good": Succeeded(), "bad": Failed("no"), "odd": Skipped("why")}
        async with opened(journals(clock)) as journal:
            await journal.set_mode("held", Mode.HELD, reason="", at=clock.time)
            async with working(journal, Recorder(lambda claim: verdicts[claim.pipeline])):
                runs = await hourly(journal, clock, ["good", "bad", "odd", "held"])
                for run in runs[:3]:
                    await settled(journal, run)
            good, bad, odd, held = runs
            assert await found(journal, Query(states=frozenset({State.FAILED}))) == [bad]
            assert await found(journal, Query(states=frozenset({State.FAILED, State.HELD}))) == [held, bad]
            assert await found(journal, Query(states=frozenset({State.SKIPPED}), pipeline="good")) == []
            assert await found(journal, Query(states=frozenset({State.SUCCEEDED, State.SKIPPED}))) == [odd, good]

    run_async(main)


def test_a_cursor_leads_through_all_runs_while_new_ones_come_in(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            runs = await give(journal, *(new_run(clock.time, pipeline=f"p{number % 3}") for number in range(25)))
            first = await journal.search(Query(limit=10))
            await give(journal, new_run(clock.time))
            second = await journal.search(Query(limit=10, cursor=first.cursor))
            third = await journal.search(Query(limit=10, cursor=second.cursor))
            listed = [run.id for page in (first, second, third) for run in page.runs]
            assert listed == runs[::-1]
            assert third.cursor is None
            assert [len(page) for page in await pages(journal, Query(limit=13))] == [13, 13]

    run_async(main)


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-", "-1", "1-x", "9" * 40 + "-1", "٣-٣", "1-1-1"])
@pytest.mark.parametrize("text", [None, "Иван"])
def test_a_cursor_that_is_none_is_an_error(journals: Journals, cursor: str, text: str | None) -> None:
    async def main() -> None:
        async with opened(journals()) as journal:
            with pytest.raises(JournalError, match="not a cursor"):
                await journal.search(Query(cursor=cursor, text=text))

    run_async(main)


def test_the_newest_run_of_each_pipeline_is_found_whatever_its_state(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            assert await journal.latest() == {}
            first = clock.time
            await hourly(journal, clock, ["orders", "users", "orders"])
            async with working(journal):
                await settled(journal, (await give(journal, new_run(first - HOUR, pipeline="users")))[0])
            assert await journal.latest() == {"orders": first + 2 * HOUR, "users": first + HOUR}

    run_async(main)


def test_the_runs_of_one_pipeline_are_counted(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await hourly(journal, clock, ["orders", "users", "orders"])
            counts = await journal.counts(clock.time - 10 * HOUR, "orders")
            assert [(count.pipeline, count.runs) for count in counts] == [("orders", 1), ("orders", 1)]

    run_async(main)


def test_runs_are_counted_for_each_pipeline_hour_and_state(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        start = clock.time
        async with opened(journals(clock)) as journal:
            clock.advance(minutes=50)
            await hourly(journal, clock, ["orders", "orders", "users"])
            await give(journal, new_run(clock.time - HOUR, pipeline="users"))
            counts = await journal.counts(start + HOUR)
            assert {(count.pipeline, count.hour, count.state, count.runs) for count in counts} == {
                ("orders", start + HOUR, State.QUEUED, 1),
                ("users", start + 2 * HOUR, State.QUEUED, 2),
            }

    run_async(main)
