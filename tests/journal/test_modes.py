from datetime import timedelta

import pytest

from jackfield.journal.records import Mode, ModeRecord, State, Version
from jackfield.journal.views import KeptVersion, Query
from tests.journal.kit import (
    Clock,
    Journals,
    Recorder,
    give,
    new_run,
    opened,
    run_async,
    settled,
    state_of,
    until,
    working,
)


def test_a_mode_is_kept_with_its_reason(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            assert dict(await journal.modes()) == {}
            await journal.set_mode("orders", Mode.STOPPED, reason="wrong address", at=clock.time)
        async with opened(journals(clock)) as journal:
            assert dict(await journal.modes()) == {"orders": ModeRecord(Mode.STOPPED, clock.time, "wrong address")}

    run_async(main)


@pytest.mark.parametrize("mode", [Mode.HELD, Mode.STOPPED])
def test_a_pipeline_that_is_not_running_starts_nothing(journals: Journals, mode: Mode) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        async with opened(journals(clock)) as journal:
            await journal.set_mode("before", mode, reason="", at=clock.time)
            async with working(journal, handler):
                await journal.set_mode("orders", mode, reason="", at=clock.time)
                held = await give(journal, new_run(clock.time), new_run(clock.time, pipeline="before"))
                (other,) = await give(journal, new_run(clock.time, pipeline="other"))
                await settled(journal, other)
                await journal.wake()
                assert [await state_of(journal, run) for run in held] == [State.HELD, State.HELD]
                assert handler.runs == [other]
                for pipeline in ("orders", "before"):
                    await journal.set_mode(pipeline, Mode.RUNNING, reason="", at=clock.time)
                for run in held:
                    assert (await settled(journal, run)).summary.state is State.SUCCEEDED

    run_async(main)


def test_held_runs_are_listed_and_counted_as_held(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            held, queued = await give(journal, new_run(clock.time), new_run(clock.time, pipeline="users"))
            for state, run in ((State.HELD, held), (State.QUEUED, queued)):
                page = await journal.search(Query(states=frozenset({state})))
                assert [(found.id, found.state) for found in page.runs] == [(run, state)]
                assert (await journal.backlog()).states[state] == 1
            assert {(count.pipeline, count.state) for count in await journal.counts(clock.time)} == {
                ("orders", State.HELD),
                ("users", State.QUEUED),
            }

    run_async(main)


def test_a_mode_that_another_process_sets_is_heeded(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        handler = Recorder()
        async with (
            opened(journals(clock)) as journal,
            opened(journals(clock)) as other,
            working(journal, handler),
        ):
            await other.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            (probe,) = await give(other, new_run(clock.time, pipeline="users"))
            await settled(journal, probe)
            (run,) = await give(journal, new_run(clock.time))
            (probe,) = await give(journal, new_run(clock.time, pipeline="users"))
            await settled(journal, probe)
            assert run not in handler.runs
            await other.set_mode("orders", Mode.RUNNING, reason="", at=clock.time)
            await until(lambda: run in handler.runs)

    run_async(main)


def test_definitions_are_kept(journals: Journals) -> None:
    async def main() -> None:
        version = Version("orders", "v1", "title = 'Заказы'\n")
        async with opened(journals()) as journal:
            await journal.keep(version)
            await journal.keep(version)
        async with opened(journals()) as journal:
            assert await journal.version("orders", "v1") == version
            assert await journal.version("users", "v1") is None

    run_async(main)


def test_definitions_are_listed_with_the_time_when_each_was_first_kept(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        first = clock.time
        versions = [Version("orders", id, f"title = '{id}'\n") for id in ("v1", "v2")]
        async with opened(journals(clock)) as journal:
            for version in (*versions, versions[0]):
                await journal.keep(version)
                clock.advance(hours=1)
            await journal.keep(Version("users", "v1", ""))
            assert await journal.versions("orders") == [
                KeptVersion(versions[0], first),
                KeptVersion(versions[1], first + timedelta(hours=1)),
            ]
            assert await journal.versions("nobody") == []

    run_async(main)
