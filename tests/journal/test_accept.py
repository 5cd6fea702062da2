import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jackfield.components.values import Event
from jackfield.errors import JournalError
from jackfield.journal.records import Accepted, State
from jackfield.journal.views import Duplicate, Query
from tests.journal.kit import REQUEST, Clock, Journals, give, new_run, opened, run_async, settled, working

DAY = timedelta(days=1)


def test_an_accepted_run_is_there_when_the_journal_is_opened_again(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        event = Event({"имя": "Иван", "phone": ""}, frozenset({"phone"}), ("a placeholder was left",))
        run = new_run(clock.time, event=event)
        async with opened(journals(clock)) as journal:
            assert await journal.accept([run]) == [Accepted(run.id)]
        async with opened(journals(clock)) as journal:
            view = await journal.run(run.id)
            assert view is not None
            assert (view.event, view.request) == (event, REQUEST)
            assert (view.attempts, view.duplicates, view.replays) == ([], [], [])
            summary = view.summary
            assert (summary.id, summary.pipeline, summary.version, summary.state) == (
                run.id,
                "orders",
                "v1",
                State.QUEUED,
            )
            assert (summary.received_at, summary.finished_at, summary.due_at) == (clock.time, None, None)
            assert (summary.error, summary.warnings, summary.replay_of) == (None, ("a placeholder was left",), None)

    run_async(main)


def test_a_run_that_nobody_knows_is_none(journals: Journals) -> None:
    async def main() -> None:
        async with opened(journals()) as journal:
            assert await journal.run("nobody") is None

    run_async(main)


def test_what_was_accepted_before_a_restart_is_run_after_it(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            runs = await give(journal, *(new_run(clock.time) for _ in range(5)))
        async with opened(journals(clock)) as journal, working(journal):
            for run in runs:
                assert (await settled(journal, run)).summary.state is State.SUCCEEDED

    run_async(main)


def test_runs_are_accepted_all_or_none(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            first, second = new_run(clock.time), new_run(clock.time)
            with pytest.raises(JournalError):
                await journal.accept([first, second, first])
            assert (await journal.search(Query())).runs == []

    run_async(main)


@pytest.mark.parametrize(
    "data",
    [
        {"": "", "\0": "\0", "'; DROP TABLE run; --": "\N{FACE WITH TEARS OF JOY}"},
        {"half": "\ud800", "\udfff": ["\ud800x"]},
        {"large": 10**40, "small": -0.0, "infinite": math.inf},
        {"deep": eval("[" * 90 + "]" * 90)},
    ],
)
def test_an_odd_event_comes_out_as_it_went_in(journals: Journals, data: dict[str, Any]) -> None:
    async def main() -> None:
        clock = Clock()
        run = new_run(
            clock.time, data, request=replace(REQUEST, body="\ud800"), order_key="\ud800", dedupe_key="\ud800"
        )
        async with opened(journals(clock)) as journal, working(journal):
            await journal.accept([run])
            view = await settled(journal, run.id)
            assert view.event.data == data
            assert view.request.body == "\ud800"

    run_async(main)


def test_a_duplicate_is_recorded_on_the_run_that_it_duplicates(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            first, second = (new_run(clock.time, dedupe_key="7", dedupe_within=DAY) for _ in range(2))
            await journal.accept([first])
            clock.advance(hours=23)
            event = Event({"id": 7, "phone": ""}, frozenset({"phone"}), ("a placeholder was left",))
            again = replace(second, received_at=clock.time, event=event)
            assert await journal.accept([again]) == [Accepted(again.id, duplicate_of=first.id)]
            view = await journal.run(first.id)
            assert view is not None
            assert view.duplicates == [Duplicate(clock.time, event)]
            assert view.summary.duplicates == 1
            assert await journal.run(again.id) is None

    run_async(main)


def test_a_run_outside_the_window_is_no_duplicate(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await give(journal, new_run(clock.time, dedupe_key="7", dedupe_within=DAY))
            clock.advance(days=1, microseconds=1)
            later = new_run(clock.time, dedupe_key="7", dedupe_within=DAY)
            assert await journal.accept([later]) == [Accepted(later.id)]

    run_async(main)


def test_without_a_window_a_key_counts_as_far_as_the_journal_goes(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            (first,) = await give(journal, new_run(clock.time, dedupe_key="7"))
            clock.advance(days=3000)
            later = new_run(clock.time, dedupe_key="7")
            assert await journal.accept([later]) == [Accepted(later.id, duplicate_of=first)]

    run_async(main)


def test_duplicates_are_found_among_the_runs_of_one_call(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        one, same, other, elsewhere = (
            new_run(clock.time, dedupe_key=key, pipeline=pipeline)
            for key, pipeline in (("7", "orders"), ("7", "orders"), ("8", "orders"), ("7", "users"))
        )
        async with opened(journals(clock)) as journal:
            assert await journal.accept([one, same, other, elsewhere]) == [
                Accepted(one.id),
                Accepted(same.id, duplicate_of=one.id),
                Accepted(other.id),
                Accepted(elsewhere.id),
            ]

    run_async(main)


def test_duplicates_are_listed_newest_first_with_the_runs_that_they_duplicate(journals: Journals) -> None:
    async def main() -> None:
        at = Clock().time
        async with opened(journals()) as journal:
            again = [("orders", n) for n in range(4)] + [("users", n) for n in range(2)]
            for pipeline, n in again:
                await journal.accept([new_run(at, {"n": n}, pipeline, dedupe_key="7")])
            runs = {run.pipeline: run.id for run in (await journal.search(Query())).runs}
            found = await journal.duplicates()
            assert [(one.run, one.event.data["n"]) for one in found] == [
                (runs["users"], 1),
                *((runs["orders"], n) for n in (3, 2, 1)),
            ]
            assert await journal.duplicates("orders", 1) == [found[1]]
            assert await journal.duplicates("orders", 5, found[1].number) == found[2:]
            assert await journal.duplicates("nobody") == []

    run_async(main)
