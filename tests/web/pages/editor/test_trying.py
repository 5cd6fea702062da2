"""On which event a step of a draft is tried, and what tells events from each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from jackfield.pipelines.labels import event_summary
from jackfield.web.server.serving import Served
from tests.support import give, serve, steps, until
from tests.web.browserless import form_of
from tests.web.site import Visitor, visitor

SAYS = steps('do = "say"\nname = "hello"\ntext = "{{ $.event.email }}"', 'do = "say"\nname = "again"')


def visit(folder: Path, story: Callable[[Served, Visitor], Awaitable[None]]) -> None:
    async def main() -> None:
        async with serve(folder, {"x": SAYS, "y": SAYS}) as served, visitor(served) as person:
            await story(served, person)

    asyncio.run(main())


async def run_of(served: Served, data: JsonValue, pipeline: str = "x") -> str:
    run = await give(served.host, data, pipeline)
    await until(served.host, run)
    return run


async def tried(person: Visitor, filled: dict[str, str], do: str = "send:0") -> httpx.Response:
    page = await person.get("/pipelines/x/edit")
    return await person.client.post("/pipelines/x/edit", data={**form_of(page.text), **filled, "do": do})


def test_events_are_offered_newest_first_with_their_time_their_state_and_what_tells_them_apart(tmp_path: Path) -> None:
    async def story(served: Served, person: Visitor) -> None:
        first = await run_of(served, {"id": 1, "email": "anna@a.example", "first_name": "<b>Анна</b>"})
        second = await run_of(served, {"id": 2, "email": ""})
        page = await person.get("/pipelines/x/edit")
        assert form_of(page.text)["try_event:0"] == [second]
        assert 0 < page.text.index(f'value="{second}"') < page.text.index(f'value="{first}"')
        assert "anna@a.example, &lt;b&gt;Анна&lt;/b&gt;" in page.text
        assert '<span class="digest">id: 2</span>' in page.text
        offered = page.text.partition('class="events"')[2].partition("</fieldset>")[0]
        assert (offered.count("<local-time "), offered.count("Succeeded")) == (2, 2)

    visit(tmp_path, story)


def test_a_step_is_tried_on_the_event_that_is_chosen_and_that_one_stays_chosen(tmp_path: Path) -> None:
    async def story(served: Served, person: Visitor) -> None:
        first = await run_of(served, {"email": "anna@a.example"})
        await run_of(served, {"email": "boris@a.example"})
        page = await tried(person, {"try_event:0": first})
        assert "&#34;anna@a.example&#34;" in page.text
        assert form_of(page.text)["try_event:0"] == [first]
        later = await tried(person, {"try_event:0": first}, "apply")
        assert form_of(later.text)["try_event:0"] == [first]
        examples = await tried(person, {"try_event:0": ""})
        assert form_of(examples.text)["try_event:0"] == [""]

    visit(tmp_path, story)


def test_an_earlier_run_is_taken_by_its_id_or_by_the_address_of_its_page(tmp_path: Path) -> None:
    async def story(served: Served, person: Visitor) -> None:
        first = await run_of(served, {"email": "anna@a.example"})
        other = await run_of(served, {"email": "vera@a.example"}, "y")
        for number in range(11):
            await run_of(served, {"email": f"{number}@a.example"})
        page = await person.get("/pipelines/x/edit")
        assert f'value="{first}"' not in page.text
        for pasted in (
            first,
            f" {first} ",
            f"http://h.example/runs/{first}?done=replayed#replay",
            f"/runs/{first}.json",
        ):
            page = await tried(person, {"try_run:0": pasted})
            assert "&#34;anna@a.example&#34;" in page.text, pasted
            assert form_of(page.text)["try_run:0"] == [pasted.strip()]
        for strange in (other, "<script>x</script>", "01234567-89ab-7def-8123-0123456789ab", "../x"):
            page = await tried(person, {"try_run:0": strange})
            assert "This pipeline has no such run in the journal." in page.text, strange
            assert "vera@a.example" not in page.text
            assert "<script>x" not in page.text
        kept = await tried(person, {"try_event:0": first})
        assert form_of(kept.text)["try_run:0"] == [first], "others have come since it was offered"

    visit(tmp_path, story)


def test_why_a_step_cannot_be_tried_is_said_at_the_step(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        page = await tried(person, {"toml": "title ="}, "try:1")
        assert page.status_code == 200
        page = await tried(person, {'["steps",1,"do"]': "say", "step_use:1": "nothing"}, "try:1")
        assert 'id="try-1" open' in " ".join(page.text.split())

    visit(tmp_path, story)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"id": 7, "first_name": "Анна", "email": "a@b.ru", "last_name": "П", "sum": 5}, "a@b.ru, Анна, П"),
        ({"order": {"id": 17, "buyer": {"name": "Анна", "Email": "a@b.ru"}}}, "a@b.ru, Анна, id: 17"),
        ({"email": " ", "name": None, "paid": True, "sum": 1990.5}, "sum: 1990.5"),
        ({"text": "я" * 50, "more": "a\n b"}, f"text: {'я' * 40}…, more: a b"),
        ([1, [2], {"name": "x"}], "x, 1, 2"),
        ({"email": "a@b.ru", "user_email": "a@b.ru"}, "a@b.ru"),
        ({}, ""),
        ({"a": {"b": []}}, ""),
    ],
)
def test_an_event_is_known_by_its_address_then_its_names_then_by_what_is_filled_in(event: JsonValue, said: str) -> None:
    assert event_summary(event) == said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=200), inner, max_size=5),
    max_leaves=30,
)


@given(JSON)
def test_whatever_the_event_is_it_is_told_in_a_line(event: JsonValue) -> None:
    assert "\n" not in event_summary(event)


def test_an_event_without_an_end_to_it_takes_no_time() -> None:
    assert event_summary([[[]] * 1000] * 1000) == ""
    assert event_summary({"n": 10**5000 - 1}).startswith("n: 9999")
