import asyncio
from typing import Any

import pytest

from jackfield.journal.protocol import Journal
from jackfield.journal.records import Mode, State
from jackfield.journal.views import Page, Query
from tests.journal.kit import Clock, Journals, give, new_run, opened, run_async, settled, working


async def indexed(journal: Journal, query: Query) -> Page:
    """Search when the index has taken everything in."""
    async with asyncio.timeout(20):
        while (page := await journal.search(query)).unindexed:
            await asyncio.sleep(0.01)
    return page


IVAN: dict[str, Any] = {
    "first_name": "Иван",
    "last_name": "Ёлкин-Петров",
    "company": 'ООО "Ромашка"\nМосква',
    "phone": "+7 999 000-11-22",
    "utm": {"source": ["vk", {"campaign": "autumn_sale"}]},
    "cost": 12500,
    "note": "100% 'кавычки' \\ слэш _ *",
    "mobile": ["8 (905) 111-22-33", 380671234567],
    "role": "Студент 17",
}


@pytest.mark.parametrize(
    "text",
    [
        "иван", "ИВАН", "ван", "ёлкин", "Елкин-Петров"[1:], 'ооо "ромашка"', "999 000", "AUTUMN", "12500", "last_name",
        "Елкин", "петров иван", "Иван  Ромашка 12500", "студент 17", "17 студент", "СТУДЕНТ 17 ЕЛКИН", "vk сту",
        "79051112233", "89051112233", "+79051112233", "9051112233", "+7 (905) 111-22-33", "8 905 111 22 33", "905 111",
        "8-905-111-2233", "Ёлкин +7 905 111 22 33", "79051112233 студент", "+380 67 123 45 67", "00380671234567",
        "111-22-33", "7 999 000 11 22", "990001122",
        "'кавычки'", "\\ слэш", "_ *", "100%", "  Иван  ", "ив", "+7", "ёл", "vk",
    ],
)  # fmt: skip
def test_a_run_is_found_by_any_part_of_its_event_whatever_the_case(journals: Journals, text: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            run, _ = await give(journal, new_run(clock.time, IVAN), new_run(clock.time, {"name": "Пётр", "x": "00"}))
            assert [found.id for found in (await indexed(journal, Query(text=text))).runs] == [run]

    run_async(main)


@pytest.mark.parametrize(
    "text",
    [
        "студент 18", "студент удент7", "иван сидор", "79051112234", "8 905 111 22 34", "+7 905 888", "vk уд",
        "12500 12501", "380671234568",
    ],
)  # fmt: skip
def test_a_run_that_lacks_one_of_the_words_is_not_found(journals: Journals, text: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            await give(
                journal, new_run(clock.time, IVAN | {"id": "x"}), new_run(clock.time, {"name": "Пётр", "x": "00"})
            )
            assert (await indexed(journal, Query(text=text))).runs == []

    run_async(main)


def test_a_run_is_found_by_its_label(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            run, _ = await give(
                journal, new_run(clock.time, label="Семён Ежов +7 905 111-22-33"), new_run(clock.time, label="Анна")
            )
            for text in ("ежов семен", "89051112233"):
                assert [found.id for found in (await indexed(journal, Query(text=text))).runs] == [run]

    run_async(main)


@pytest.mark.parametrize("text", ["Иванов", "нави", "ИванЁлкин", 'x" OR "Иван', "Иван*", "Ив\0н", "\ud800", "ивч"])
def test_what_is_not_in_an_event_is_not_found(journals: Journals, text: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            await give(journal, new_run(clock.time, {"a": "Иван", "b": "Ива вана ана"}))
            await indexed(journal, Query(text="Иван"))
            assert (await journal.search(Query(text=text))).runs == []

    run_async(main)


def test_a_run_is_found_by_its_id(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            run, _ = await give(journal, new_run(clock.time), new_run(clock.time))
            assert [found.id for found in (await indexed(journal, Query(text=run.upper()))).runs] == [run]

    run_async(main)


@pytest.mark.parametrize("text", ["студент", "ст"])
def test_a_text_is_combined_with_every_other_filter(journals: Journals, text: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            await journal.set_mode("held", Mode.HELD, reason="", at=clock.time)
            data = {"role": "Студент"}
            early, other = await give(journal, new_run(clock.time, data), new_run(clock.time, data, pipeline="users"))
            await give(journal, new_run(clock.time, {"role": "curator"}))
            middle = clock.time
            clock.advance(hours=1)
            late, held = await give(journal, new_run(clock.time, data), new_run(clock.time, data, pipeline="held"))
            for run in (early, other, late):
                await settled(journal, run)

            async def found(**filters: Any) -> list[str]:
                return [run.id for run in (await indexed(journal, Query(text=text, **filters))).runs]

            assert await found() == [held, late, other, early]
            assert await found(pipeline="orders") == [late, early]
            assert await found(since=clock.time) == [held, late]
            assert await found(until=clock.time, pipeline="orders") == [early]
            assert await found(until=middle) == []
            assert await found(states=frozenset({State.HELD})) == [held]
            assert await found(states=frozenset({State.QUEUED})) == []

    run_async(main)


@pytest.mark.parametrize("text", ["студент", "ст"])
def test_the_pages_of_a_text_search_are_complete_while_new_runs_come_in(journals: Journals, text: str) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal, working(journal):
            runs = await give(journal, *(new_run(clock.time, {"role": "студент"}) for _ in range(7)))
            page = await indexed(journal, Query(text=text, limit=3))
            await give(journal, new_run(clock.time, {"role": "студент"}))
            listed = [run.id for run in page.runs]
            while page.cursor is not None:
                page = await indexed(journal, Query(text=text, limit=3, cursor=page.cursor))
                listed += [run.id for run in page.runs]
            assert listed == runs[::-1]

    run_async(main)


def test_a_page_says_how_many_runs_the_index_lacks(journals: Journals) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(journals(clock)) as journal:
            await give(journal, *(new_run(clock.time, {"name": "Иван"}) for _ in range(3)))
            page = await journal.search(Query(text="Иван"))
            assert (page.runs, page.unindexed) == ([], 3)
            assert (await journal.search(Query())).unindexed == 0
            async with working(journal):
                page = await indexed(journal, Query(text="Иван"))
            assert len(page.runs) == 3

    run_async(main)
