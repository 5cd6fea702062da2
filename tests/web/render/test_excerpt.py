"""Pages stay small and quick whatever was sent."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from pydantic import JsonValue

from jackfield.journal.records import Mode
from jackfield.journal.views import MOST_DUPLICATES, Query
from jackfield.web.render.excerpt import Excerpts
from tests.support import give, hook, serve, steps, until
from tests.web.site import visitor

LARGEST_PAGE = 2_000_000
KEYED = steps('do = "say"\ntext = "{{ $.event.a }}"', source='use = "call"\ndedupe = "{{ $.event.id }}"')
ECHO = steps('do = "say"\ntext = "{{ $.event.a | tojson }}"')


def nested(depth: int) -> JsonValue:
    value: JsonValue = []
    for _ in range(depth - 1):
        value = [value]
    return value


HOSTILE: dict[str, JsonValue] = {
    "deep": [nested(150) for _ in range(600)],
    "wide": [[] for _ in range(60_000)],
    "objects": [{"i": 1} for _ in range(25_000)],
    "a text": "\"'<" * 60_000,
    "texts": ["'" * 290 for _ in range(1000)],
    "names": {f"{n}{'&' * 200}": 1 for n in range(4000)},
    "numbers": [10**4000 for _ in range(200)],
}
scalars = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(json_values)
def test_json_that_fits_is_laid_out_and_as_it_was(value: JsonValue) -> None:
    shown = Excerpts(10**9).json(value)
    assert shown.whole
    assert shown.text == json.dumps(value, ensure_ascii=False, indent=2)


@given(st.lists(st.text(st.sampled_from("a'\"<я😀\ud800")), max_size=9), st.integers(0, 300), st.integers(0, 60))
def test_the_excerpts_of_a_page_never_take_more_room_than_there_is(texts: list[str], room: int, longest: int) -> None:
    excerpts = Excerpts(room, longest)
    shown = [excerpts.body(text) for text in texts]
    sizes = [len(escape(one.text.removesuffix("…")).encode("utf-8", "backslashreplace")) for one in shown]
    assert sum(sizes) <= room
    assert all(one.whole == (one.text == text) for one, text in zip(shown, texts, strict=True))
    assert all(text.startswith(one.text.removesuffix("…")) for one, text in zip(shown, texts, strict=True))


def test_json_that_is_too_long_in_lines_is_shown_in_one_and_half_a_character_does_no_harm() -> None:
    assert Excerpts(10**6, 1000).json([nested(150)]).text == "[" * 151 + "]" * 151
    assert Excerpts(10**6, 30).json({"ключ": "\ud800", "b": "x" * 30}).text == '{\n  "ключ": "\ud800",\n  "b": "xxxxx…'


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_excerpt_is_short_whatever_it_is_of(kind: str) -> None:
    assert len(Excerpts(10**6).json({"a": HOSTILE[kind]}).text) <= 100_001


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_page_of_a_run_stays_small_whatever_its_event_is(tmp_path: Path, kind: str) -> None:
    event: dict[str, JsonValue] = {"a": HOSTILE[kind]}

    async def main() -> None:
        async with serve(tmp_path, {"x": ECHO}) as served, visitor(served) as operator, httpx.AsyncClient() as sender:
            assert (await sender.post(hook(served), json=event, timeout=60)).status_code < 300
            (run,) = (await served.host.journal.search(Query())).runs
            await until(served.host, run.id)
            page = await operator.get(f"/runs/{run.id}")
            assert page.status_code == 200
            assert len(page.content) < LARGEST_PAGE
            assert "This is only the beginning" in page.text
            assert "The event is too long to be changed here." in page.text
            assert (await operator.get(f"/runs/{run.id}.json")).json()["event"]["data"] == event

    asyncio.run(main())


def test_the_test_of_a_run_stays_small_whatever_its_event_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": ECHO}) as served, visitor(served) as operator:
            run = await give(served.host, {"a": [nested(150) for _ in range(100)]})
            await until(served.host, run)
            page = await operator.get(f"/runs/{run}/test")
            assert page.status_code == 200
            assert len(page.content) < 100_000

    asyncio.run(main())


def test_of_many_duplicates_the_newest_are_shown_with_their_run_and_their_pages_stay_small(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": KEYED}) as served, visitor(served) as operator, httpx.AsyncClient() as sender:
            for n in range(MOST_DUPLICATES + 4):
                event = {"id": 7, "n": f"number {n}", "a": [nested(100)] * 60}
                await sender.post(hook(served), json=event)
            (run,) = (await served.host.journal.search(Query())).runs
            assert run.duplicates == MOST_DUPLICATES + 3
            page = await operator.get(f"/runs/{run.id}")
            assert len(page.content) < LARGEST_PAGE
            assert f"{MOST_DUPLICATES + 3} duplicates" in page.text
            assert "/refused/duplicates?pipeline=x" in page.text
            view = await served.host.journal.run(run.id)
            assert view is not None
            assert [one.event.data["n"] for one in view.duplicates] == [
                f"number {n + 4}" for n in range(MOST_DUPLICATES)
            ]
            page = await operator.get("/refused/duplicates")
            assert len(page.content) < LARGEST_PAGE
            assert "number 23" in page.text

    asyncio.run(main())


def test_refused_requests_are_laid_out_and_their_page_stays_small(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": KEYED}) as served, visitor(served) as operator, httpx.AsyncClient() as sender:
            await served.host.modes.set("x", Mode.STOPPED, "")
            for body in (*[[nested(100)] * 95] * 30, {"a": {"b": "x" * 30_000}}):
                await sender.post(hook(served), json=body)
            page = await operator.get("/refused")
            assert len(re.findall('class="card refusal"', page.text)) == 30
            assert len(page.content) < LARGEST_PAGE
            assert "{\n  &#34;a&#34;: {\n    &#34;b&#34;: &#34;xxx" in page.text

    asyncio.run(main())
