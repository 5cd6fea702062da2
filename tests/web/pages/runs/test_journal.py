"""The journal's page: which runs it lists, and what of them a viewer sees."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from jackfield.access.users import Role
from jackfield.journal.records import State
from jackfield.journal.views import Query
from jackfield.web.pages.runs.filters import RunFilter
from jackfield.web.server.serving import Served
from tests.support import give, serve, steps, until
from tests.web.site import visitor

XSS = '<script>alert("x")</script><img src=x onerror=alert(1)>'
X = steps('do = "say"\ntext = "n {{ $.event.n | default(0) }}"')
BAD = steps('do = "give_up"\ntext = "{{ $.event.phone | default(\'-\') }}"')
MASKED = steps('do = "give_up"\ntext = "{{ $.event.phone }}"', head='mask = ["$.event.phone"]')


async def runs(served: Served, pipeline: str, *events: object) -> list[str]:
    found = [await give(served.host, event, pipeline) for event in events]  # type: ignore[arg-type]
    for run in found:
        await until(served.host, run)
    return found


def listed(text: str) -> list[str]:
    return re.findall(r'data-run="([^"]+)"', text)


def test_runs_are_listed_newest_first_and_older_ones_by_a_link(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X}) as served, visitor(served) as operator:
            empty = await operator.get("/runs")
            assert "Nothing has come in yet" in empty.text
            made = await runs(served, "x", *({"n": n} for n in range(53)))
            page = await operator.get("/runs")
            assert listed(page.text) == made[:2:-1]
            older = re.search(r'rel="next" href="([^"]+)"', page.text)
            assert older is not None
            assert listed((await operator.get(older[1].replace("&amp;", "&"))).text) == made[2::-1]
            assert "No runs match" in (await operator.get("/runs?text=nothing-like-it")).text

    asyncio.run(main())


def test_the_filter_takes_pipeline_states_time_and_text_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X, "bad": BAD}) as served, visitor(served) as operator:
            (good, anna), (failed,) = await runs(served, "x", {"a": 1}, {"имя": "Анна"}), await runs(served, "bad", {})
            for query, wanted in {
                "": [failed, anna, good],
                "pipeline=x": [anna, good],
                "state=failed": [failed],
                "state=failed&state=succeeded": [failed, anna, good],
                "state=nonsense": [failed, anna, good],
                "pipeline=x&text=анна": [anna],
                "since=2020-01-01T00:00": [failed, anna, good],
                "until=2020-01-01T00:00&zone=Europe/Moscow": [],
                "since=yesterday": [failed, anna, good],
            }.items():
                assert listed((await operator.get(f"/runs?{query}")).text) == wanted, query
            assert 'aria-invalid="true"' in (await operator.get("/runs?since=yesterday")).text

    asyncio.run(main())


def test_what_a_viewer_must_not_see_is_not_in_the_list_and_cannot_be_searched_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"m": MASKED, "bad": BAD}) as served, visitor(served, Role.VIEWER) as viewer:
            (masked,) = await runs(served, "m", {"phone": "+79001112233"})
            (open_to_all,) = await runs(served, "bad", {"phone": "555"})
            page = await viewer.get("/runs")
            assert listed(page.text) == [open_to_all, masked]
            assert "79001112233" not in page.text
            assert "never: ***" in page.text
            assert "never: 555" in page.text
            for query in ("text=79001", "text=79001&pipeline=m", "text=79001&pipeline=gone"):
                refused = await viewer.get(f"/runs?{query}")
                assert refused.status_code == 422
                assert '<p class="error">Viewers can look for a text' in refused.text
                assert "No runs match" not in refused.text, "nobody looked"
                assert listed(refused.text) == []
            assert listed((await viewer.get("/runs?text=555&pipeline=bad")).text) == [open_to_all]
            assert 'action="/runs/bulk"' not in page.text

    asyncio.run(main())


def test_texts_of_runs_are_shown_as_texts(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"bad": BAD}) as served, visitor(served) as operator:
            await runs(served, "bad", {"phone": XSS})
            for path in ("/runs", f"/runs?text={XSS}", f"/runs?pipeline={XSS}&since={XSS}&zone={XSS}"):
                page = await operator.get(path)
                assert "<script>alert" not in page.text
                assert "<img src=x" not in page.text

    asyncio.run(main())


def test_a_cursor_that_is_none_is_an_error_in_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X}) as served, visitor(served) as operator:
            page = await operator.get("/runs?cursor=nonsense")
            assert page.status_code == 422
            assert "is not a cursor of this list" in page.text

    asyncio.run(main())


def test_moments_are_read_in_the_zone_of_the_browser() -> None:
    wanted = RunFilter.read(QueryParams("since=2026-11-24T15:00&until=2026-11-24T16:00&zone=Europe/Moscow"))
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert wanted.query() == Query(since=at, until=at.replace(hour=13))
    assert RunFilter.read(QueryParams("since=2026-11-24T12:00")).query() == Query(since=at)


@given(st.lists(st.tuples(st.sampled_from(["pipeline", "state", "since", "until", "zone", "text", "x"]), st.text())))
def test_whatever_is_filled_in_the_address_of_it_says_the_same(pairs: list[tuple[str, str]]) -> None:
    wanted = RunFilter.read(QueryParams(pairs))
    again = RunFilter.read(QueryParams(urlsplit(wanted.address()).query))
    assert again.query() == wanted.query()
    assert "cursor" in parse_qs(urlsplit(wanted.address(cursor="5")).query)


def test_several_states_are_one_filter() -> None:
    wanted = RunFilter.read(QueryParams("state=failed&state=held&state=failed"))
    assert wanted.states == {State.FAILED, State.HELD}
    assert wanted.address() == "/runs?state=held&state=failed"
