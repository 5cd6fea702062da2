from dataclasses import replace
from pathlib import Path

from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.views import Query
from tests.journal.kit import Clock, new_run, opened, run_async, working


def test_a_short_needle_is_looked_for_a_few_thousand_runs_at_a_time(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal:
            oldest = new_run(clock.time, {"name": "Ян"})
            await journal.accept([oldest, *(new_run(clock.time) for _ in range(5000))])
            first = await journal.search(Query(text="ян"))
            assert (first.runs, first.unindexed) == ([], 0)
            second = await journal.search(Query(text="ян", cursor=first.cursor))
            assert [run.id for run in second.runs] == [oldest.id]
            assert second.cursor is None

    run_async(main)


def test_of_runs_that_the_index_names_a_page_looks_at_a_few_thousand(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, limits=lambda _: None):
            wanted = [new_run(clock.time, {"name": "Ярослав"}) for _ in range(2)]
            elsewhere = [new_run(clock.time, {"name": "Ярослав"}, pipeline="users") for _ in range(5000)]
            others = [new_run(clock.time) for _ in range(1000)]
            await journal.accept([*others, *wanted, *elsewhere])
            await journal.indexed()
            query = Query(text="ярослав", pipeline="orders")
            first = await journal.search(query)
            assert first.runs == []
            second = await journal.search(replace(query, cursor=first.cursor))
            assert [run.id for run in second.runs] == [wanted[1].id, wanted[0].id]
            assert second.cursor is None
            exactly = await journal.search(Query(text="ярослав", limit=5002))
            assert (len(exactly.runs), exactly.cursor is None) == (5000, False)

    run_async(main)


def test_a_filter_that_leaves_many_runs_is_combined_with_the_index(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(SqliteJournal(tmp_path / "journal.db")) as journal, working(journal, limits=lambda _: None):
            wanted = new_run(clock.time, {"name": "Ярослав"})
            elsewhere = new_run(clock.time, {"name": "Ярослав"}, pipeline="users")
            await journal.accept([wanted, elsewhere, *(new_run(clock.time) for _ in range(5000))])
            await journal.indexed()
            page = await journal.search(Query(text="ЯРОСЛАВ", pipeline="orders"))
            assert [run.id for run in page.runs] == [wanted.id]

    run_async(main)
