from dataclasses import replace

import pytest
from uuid_utils import uuid7

from jackfield.errors import UnknownRun
from jackfield.journal.records import Refusal
from tests.core.journal.kit import REQUEST, Clock, Journals, opened, run_async


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
            assert await journal.refusal(large.id) == large
            assert await journal.refusal("nobody") is None

    run_async(main)


def test_a_refused_request_that_was_accepted_after_all_names_its_runs(journals: Journals) -> None:
    async def main() -> None:
        refused = refusal()
        async with opened(journals()) as journal:
            await journal.refuse(refused)
            await journal.settle_refusal(refused.id, ["a", "b"])
            assert await journal.refusal(refused.id) == replace(refused, accepted_as=("a", "b"))
            with pytest.raises(UnknownRun, match="no refused request nobody"):
                await journal.settle_refusal("nobody", ["a"])

    run_async(main)
