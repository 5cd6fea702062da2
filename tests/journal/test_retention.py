from dataclasses import replace
from datetime import timedelta

import pytest
from uuid_utils import uuid7

from jackfield.journal.protocol import Journal
from jackfield.journal.records import Mode, Refusal, Replay, Retention, State, Version
from jackfield.journal.views import Query
from tests.journal.kit import (
    REQUEST,
    Clock,
    Journals,
    Recorder,
    failed_run,
    give,
    new_run,
    opened,
    run_async,
    settled,
    state_of,
    working,
)

MONTH = timedelta(days=30)
ALL = 1 << 60


async def settled_runs(journal: Journal, clock: Clock, count: int, size: int = 10) -> list[str]:
    """Make runs that are settled, one a minute."""
    async with working(journal):
        runs = []
        for number in range(count):
            runs += await give(journal, new_run(clock.time, {"number": number, "text": "x" * size}))
            clock.advance(minutes=1)
        await settled(journal, runs[-1])
        for run in runs:
            await settled(journal, run)
    return runs


async def left(journal: Journal) -> list[str]:
    return [run.id for run in (await journal.search(Query(limit=10_000))).runs]


def test_settled_runs_go_when_they_are_too_old(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            old = [await failed_run(journal, clock.time)]
            old += await settled_runs(journal, clock, 3)
            clock.advance(days=31)
            young = await settled_runs(journal, clock, 2)
            assert await journal.prune(Retention(MONTH, ALL), clock.time) == len(old)
            assert await left(journal) == young[::-1]
            assert await journal.prune(Retention(MONTH, ALL), clock.time) == 0

    run_async(main)


def test_runs_that_are_not_settled_stay_however_old_they_are(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.set_mode("held", Mode.HELD, reason="", at=clock.time)
            held, queued = await give(journal, new_run(clock.time, pipeline="held"), new_run(clock.time))
            clock.advance(days=3650)
            assert await journal.prune(Retention(MONTH, 0), clock.time) == 0
            assert (await state_of(journal, held), await state_of(journal, queued)) == (State.HELD, State.QUEUED)

    run_async(main)


def test_a_run_that_took_long_stays_for_a_while_after_its_end(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            (run,) = await give(journal, new_run(clock.time))
            clock.advance(days=60)
            async with working(journal):
                await settled(journal, run)
            assert await journal.prune(Retention(MONTH, ALL), clock.time) == 0
            clock.advance(days=31)
            assert await journal.prune(Retention(MONTH, ALL), clock.time) == 1

    run_async(main)


def test_the_oldest_go_until_the_journal_is_small_enough(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            runs = await settled_runs(journal, clock, 600, size=4000)
            before = await journal.size()
            gone = await journal.prune(Retention(MONTH, before // 2), clock.time)
            assert 0 < gone < 600
            assert await left(journal) == runs[gone:][::-1]
            assert await journal.size() <= before // 2
            assert await journal.prune(Retention(MONTH, before // 2), clock.time) == 0

    run_async(main)


def test_a_journal_is_trimmed_to_its_size_and_no_further(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            runs = await settled_runs(journal, clock, 60, size=40_000)
            before = await journal.size()
            assert await journal.trim(before) == 0
            gone = await journal.trim(before * 3 // 4)
            assert await left(journal) == runs[gone:][::-1]
            assert before * 6 // 10 < await journal.size() <= before * 3 // 4
            assert await journal.trim(0) == 60 - gone
            assert await left(journal) == []

    run_async(main)


def test_old_refused_requests_go_too(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.refuse(Refusal("old", "orders", clock.time, 503, "stopped", REQUEST))
            clock.advance(days=31)
            await journal.refuse(Refusal("young", "orders", clock.time, 503, "stopped", REQUEST))
            await journal.prune(Retention(MONTH, ALL), clock.time)
            assert [refusal.id for refusal in await journal.refusals()] == ["young"]

    run_async(main)


async def refuse(journal: Journal, clock: Clock, count: int, status: int) -> list[str]:
    """Refuse requests of 4 KB, one a minute."""
    refused = [str(uuid7()) for _ in range(count)]
    for id in refused:
        request = replace(REQUEST, body="x" * 4000)
        await journal.refuse(Refusal(id, "orders", clock.time, status, "no", request))
        clock.advance(minutes=1)
    return refused


def test_strangers_push_out_no_run_and_no_other_refused_request(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            runs = await settled_runs(journal, clock, 50, size=4000)
            turned_away = await refuse(journal, clock, 50, 503)
            room = await journal.size() + 50_000
            await refuse(journal, clock, 450, 404)
            assert await journal.prune(Retention(MONTH, room), clock.time) == 0
            assert await journal.size() <= room
            assert await left(journal) == runs[::-1]
            refused = [refusal.id for refusal in await journal.refusals(limit=1000) if refusal.status != 404]
            assert refused == turned_away[::-1]

    run_async(main)


@pytest.mark.parametrize("refused_first", [True, False])
def test_of_runs_and_refused_requests_the_older_ones_go(journals: Journals, *, refused_first: bool) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            refused = await refuse(journal, clock, 450, 503) if refused_first else []
            runs = await settled_runs(journal, clock, 450, size=4000)
            refused = refused or await refuse(journal, clock, 450, 503)
            gone = await journal.prune(Retention(MONTH, await journal.size() * 3 // 4), clock.time)
            kept = [refusal.id for refusal in await journal.refusals(limit=1000)][::-1]
            assert await left(journal) == runs[gone:][::-1]
            assert kept == refused[450 - len(kept) :]
            assert (gone == 0, len(kept) == 450) == (refused_first, not refused_first)

    run_async(main)


def test_the_last_fifty_definitions_stay_and_older_ones_that_a_run_was_on(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            for number in range(53):
                await journal.keep(Version("orders", f"v{number}", "..."))
            await journal.keep(Version("orders", "v2", "brought back"))
            await journal.keep(Version("users", "v0", "..."))
            await give(journal, new_run(clock.time, version="v1"))
            await journal.prune(Retention(MONTH, ALL), clock.time)
            kept = [one.version.id for one in await journal.versions("orders")]
            assert kept == ["v2", *(f"v{number}" for number in range(52, 3, -1)), "v1"]
            assert len(await journal.versions("users")) == 1

    run_async(main)


def test_a_replay_outlives_the_run_that_it_replays(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            origin = await failed_run(journal, clock.time)
            clock.advance(days=31)
            await journal.replay(origin, Replay(), id="again", at=clock.time)
            assert await journal.prune(Retention(MONTH, ALL), clock.time) == 1
            async with working(journal, Recorder()):
                view = await settled(journal, "again")
            assert (view.summary.state, view.summary.replay_of) == (State.SUCCEEDED, origin)

    run_async(main)
