"""How open pages find out that something was written."""

from __future__ import annotations

from jackfield.journal.records import Mode
from jackfield.journal.views import Query
from tests.journal.kit import Clock, Journals, give, new_run, opened, run_async


def test_the_number_changes_with_everything_that_is_written_and_with_nothing_else(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            seen = [await journal.changes()]
            await give(journal, new_run(clock.time))
            seen.append(await journal.changes())
            await journal.set_mode("orders", Mode.HELD, reason="", at=clock.time)
            seen.append(await journal.changes())
            assert len(set(seen)) == 3
            await journal.search(Query())
            assert await journal.changes() == seen[-1]

    run_async(main)


def test_what_another_process_writes_changes_the_number_too(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, opened(journals(clock)) as other:
            before = await journal.changes()
            await give(other, new_run(clock.time))
            assert await journal.changes() != before

    run_async(main)
