import asyncio
from dataclasses import replace

import pytest
from uuid_utils import uuid7

from jackfield.errors import NotFound
from jackfield.journal.records import Accepted, Refusal
from jackfield.journal.views import Query
from tests.journal.kit import REQUEST, Clock, Journals, give, new_run, opened, run_async


def refusal(pipeline: str = "orders") -> Refusal:
    return Refusal(str(uuid7()), pipeline, Clock().time, 503, "the pipeline is stopped", REQUEST)


def test_refused_requests_are_kept_whole_and_listed_newest_first(journals: Journals) -> None:
    async def main() -> None:
        first, second, other = refusal(), refusal(), refusal("users")
        large = replace(second, request=replace(REQUEST, body="x" * 1_000_000))
        async with opened(journals()) as journal:
            for refused in (first, large, other):
                await journal.refuse(refused)
        async with opened(journals()) as journal:
            assert await journal.refusals() == [other, large, first]
            assert await journal.refusals(limit=1) == [other]
            assert await journal.refusals("orders") == [large, first]
            assert await journal.refusals(limit=1, before=other.id) == [large]
            assert await journal.refusals("orders", before=large.id) == [first]
            assert await journal.refusals(before="nobody") == []
            assert await journal.refusal(large.id) == large
            assert await journal.refusal("nobody") is None

    run_async(main)


def test_a_refused_request_that_was_accepted_after_all_names_its_runs(journals: Journals) -> None:
    async def main() -> None:
        refused = refusal()
        async with opened(journals()) as journal:
            await journal.refuse(refused)
            (earlier,) = await give(journal, new_run(Clock().time, dedupe_key="7"))
            again, new, twin = (new_run(Clock().time, dedupe_key=key) for key in ("7", "8", "8"))
            assert await journal.accept([again, new, twin], refusal=refused.id) == [
                Accepted(again.id, duplicate_of=earlier),
                Accepted(new.id),
                Accepted(twin.id, duplicate_of=new.id),
            ]
            assert await journal.refusal(refused.id) == replace(refused, accepted_as=(earlier, new.id))

    run_async(main)


def test_of_two_acceptances_of_a_refused_request_exactly_one_wins(journals: Journals) -> None:
    async def main() -> None:
        refused, runs = refusal(), [new_run(Clock().time), new_run(Clock().time)]
        async with opened(journals()) as journal:
            await journal.refuse(refused)
            calls = [journal.accept([run], refusal=refused.id) for run in runs]
            first, second = await asyncio.gather(*calls, return_exceptions=True)
            assert first == [Accepted(runs[0].id)]
            assert isinstance(second, NotFound)
            assert str(second) == f"refused request {refused.id} was accepted before, as {runs[0].id}"
            assert [run.id for run in (await journal.search(Query())).runs] == [runs[0].id]

    run_async(main)


def test_nothing_is_accepted_for_a_refused_request_that_is_not_there(journals: Journals) -> None:
    async def main() -> None:
        async with opened(journals()) as journal:
            with pytest.raises(NotFound, match="no refused request nobody"):
                await journal.accept([new_run(Clock().time)], refusal="nobody")
            assert (await journal.search(Query())).runs == []

    run_async(main)
