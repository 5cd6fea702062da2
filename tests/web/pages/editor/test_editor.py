"""The editor, without a browser: what its forms send back, and what becomes of the file."""

from __future__ import annotations

import asyncio
import difflib
import html
import json
import os
import re
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from jackfield.access.users import Role
from jackfield.components.plugins.registry import Registry
from jackfield.journal.views import Query
from jackfield.project.toml_text import toml_entry
from jackfield.web.server.serving import Served, serving
from tests.support import Plugin, give, make_project, steps, until
from tests.web.browserless import buttons_of, form_of
from tests.web.site import Visitor, visitor

ROOT = Path(__file__).parents[4]
EXAMPLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("examples/destinations/*.toml"), *ROOT.glob("examples/my-school/pipelines/*.toml")]
}
SECRETS = "".join(
    f'{name} = "value of {name}"\n'
    for name in sorted(set(re.findall(r"secret\.(\w+)", "".join(EXAMPLES.values()))) | {"SOME_KEY"})
)
PLAIN = 'title = "x"\n\n[source]\nuse = "call"\n\n# Says hello.\n[[steps]]\nuse = "act"\ndo = "say"\n'
HOSTILE = "<script>alert(1)</script>\"'>&{{"
URL = '["steps",0,"url"]'
_HIDDEN = re.compile(r'name="text" value="([^"]*)"')


class House:
    """A host with all plugins, for all tests of this module; each gives it files of its own."""

    def __init__(self, runner: asyncio.Runner, folder: Path, served: Served, person: Visitor) -> None:
        self.run = runner.run
        self.folder = folder
        self._served = served
        self._person = person

    @asynccontextmanager
    async def with_files(self, pipelines: Mapping[str, str]) -> AsyncIterator[tuple[Served, Visitor]]:
        for path in (self.folder / "pipelines").iterdir():
            path.unlink()
        make_project(self.folder, pipelines, secrets=SECRETS)
        await self._served.host.reload()
        yield self._served, self._person

    def file(self, id: str = "x") -> str:
        return (self.folder / "pipelines" / f"{id}.toml").read_text(encoding="utf-8")


@asynccontextmanager
async def visited(folder: Path) -> AsyncIterator[tuple[Served, Visitor]]:
    plugins = [import_module(plugin.module) for plugin in Registry.load().plugins]
    registry = Registry.of(Plugin(), *plugins)
    project = make_project(folder, {}, secrets=SECRETS)
    async with serving(project, os.environ, registry=registry) as served, visitor(served) as person:
        yield served, person


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    visit = visited(folder)
    with asyncio.Runner() as runner:
        yield House(runner, folder, *runner.run(anext(visit.gen)))
        runner.run(anext(visit.gen, None))


async def send(
    person: Visitor, page: httpx.Response, do: str, filled: Mapping[str, str | list[str]], id: str = "x"
) -> httpx.Response:
    """Fill in the form of a page, and push a button."""
    form: dict[str, str | list[str]] = {**form_of(page.text), **filled, "do": do}
    return await person.client.post(f"/pipelines/{id}/edit", data=form)


def text_of(page: httpx.Response) -> str:
    """Return the draft that a page carries."""
    if hidden := _HIDDEN.search(page.text):
        return str(json.loads(html.unescape(hidden[1])))
    return form_of(page.text)["toml"][0].replace("\r\n", "\n")


def changes(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_opening_and_saving_leaves_every_example_as_it_is_to_the_byte(house: House) -> None:
    async def main() -> None:
        async with house.with_files(EXAMPLES) as (_, person):
            for id, text in EXAMPLES.items():
                page = await person.get(f"/pipelines/{id}/edit")
                again = await send(person, page, "apply", {}, id)
                assert (text_of(page), text_of(again)) == (text, text)
                assert {**form_of(page.text), "csrf": []} == {**form_of(again.text), "csrf": []}, id
                saved = await send(person, again, "save", {}, id)
                assert saved.status_code == 303, id
                assert house.file(id) == text

    house.run(main())


def test_changing_one_field_of_an_example_changes_its_line_only(house: House) -> None:
    async def main() -> None:
        async with house.with_files(EXAMPLES) as (_, person):
            for id, text in EXAMPLES.items():
                page = await person.get(f"/pipelines/{id}/edit")
                form = form_of(page.text)
                for name, values in form.items():
                    if (
                        not re.fullmatch(r"\[.*\](:v)?", name)
                        or not values[0]
                        or f'"{values[0]}"' not in text
                        or "\n" in values[0]
                    ):
                        continue
                    filled = {**form, name: [f"{values[0]}!", *values[1:]], "do": "apply"}
                    after = text_of(await person.client.post(f"/pipelines/{id}/edit", data=filled))
                    assert len(changes(text, after)) == 2, (id, name, changes(text, after))

    house.run(main())


def test_a_pipeline_is_made_from_nothing_and_its_file_is_as_if_written_by_hand(house: House) -> None:
    async def main() -> None:
        async with house.with_files({}) as (served, person):
            chosen = {"title": "Новый ученик → Школа", "source": "getcourse.user_created", "action": "http_request"}
            page = await person.post("/new", chosen, seen_on="/new")
            assert page.status_code == 200
            assert not [*(house.folder / "pipelines").iterdir()]
            id = "novyy-uchenik-shkola"
            page = await send(
                person,
                page,
                "row:" + '["steps",0,"headers"]',
                {
                    URL: "https://online.bizon365.ru/api/v1/course/student/add",
                    '["steps",0,"name"]': "add_student",
                    '["steps",0,"headers"]:k': "X-Token",
                    '["steps",0,"headers"]:v': "{{ secret.BIZON_TOKEN }}",
                    '["steps",0,"form"]:k': "email",
                    '["steps",0,"form"]:v': "{{ $.event.email }}",
                    '["steps",0,"success"]': "2**",
                    '["steps",0,"retry","attempts"]': "4",
                    '["source","dedupe"]': "{{ $.event.id }}",
                },
                id,
            )
            saved = await send(person, page, "save", {}, id)
            assert saved.status_code == 303, saved.text
            assert house.file(id) == (
                'title = "Новый ученик → Школа"\n\n'
                '[source]\nuse = "getcourse.user_created"\ndedupe = "{{ $.event.id }}"\n\n'
                '[[steps]]\nuse = "http_request"\nname = "add_student"\n'
                'url = "https://online.bizon365.ru/api/v1/course/student/add"\n'
                'headers = { X-Token = "{{ secret.BIZON_TOKEN }}" }\n'
                'form = { email = "{{ $.event.email }}" }\n'
                "retry = { attempts = 4 }\n"
            )
            assert served.host.pipelines.get(id) is not None
            assert "Saved" in (await person.get(saved.headers["location"])).text

    house.run(main())


INCOMPLETE = [
    ({"title": "", "id": "", "source": "call", "action": "act"}, "Give a name of lower-case"),
    ({"title": "", "id": "../y", "source": "call", "action": "act"}, "Give a name of lower-case"),
    ({"title": "X", "id": "x", "source": "call", "action": "act"}, "There is a pipeline of this name already"),
    ({"title": "Y", "id": "y", "source": "", "action": "act"}, "Choose a source."),
    ({"title": "Y", "id": "y", "source": "call", "action": "no"}, "Choose an action."),
]


def test_what_is_missing_for_a_new_pipeline_is_said(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            for given, said in INCOMPLETE:
                answer = await person.post("/new", given, seen_on="/new")
                assert answer.status_code == 422
                assert said in answer.text

    house.run(main())


def test_a_form_of_every_bundled_component_can_be_shown(house: House) -> None:
    async def main() -> None:
        async with house.with_files({}) as (served, person):
            registry = served.host.registry
            for source in registry.sources:
                page = await person.post("/new", {"id": "x", "source": source, "action": "set"}, seen_on="/new")
                assert "cannot show this value" not in page.text
            for action in registry.actions:
                page = await person.post("/new", {"id": "x", "source": source, "action": action}, seen_on="/new")
                for option in registry.actions[action].Options.model_json_schema(by_alias=True)["properties"]:
                    assert f'id="f-steps[0].{option}' in page.text, (action, option)

    house.run(main())


def test_mistakes_are_told_at_their_field_and_nothing_is_saved(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            wrong = await send(person, page, "save", {'["steps",0,"do"]': "{{ $.evnt }}", '["concurrency"]': "0"})
            assert wrong.status_code == 422
            assert "was not saved" in wrong.text
            assert re.search(r'id="f-steps\[0\]\.do"[^>]*aria-invalid="true"', wrong.text)
            assert re.search(
                r'id="f-concurrency"[^>]*aria-describedby="f-concurrency-hint f-concurrency-wrong"', wrong.text
            )
            assert '<a href="#f-concurrency">' in wrong.text
            assert house.file() == PLAIN

    house.run(main())


def test_a_number_field_takes_a_template_and_an_emptied_field_goes_from_the_file(house: House) -> None:
    async def main() -> None:
        text = PLAIN.replace('do = "say"\n', 'do = "say"\ntext = "hello"\n')
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            page = await send(person, page, "apply", {'["steps",0,"text"]': "", '["concurrency"]': "7"})
            assert changes(text, text_of(page)) == ["+concurrency = 7", '-text = "hello"']
            page = await send(person, page, "apply", {'["concurrency"]': "{{ 7 }}"})
            assert 'concurrency = "{{ 7 }}"' in text_of(page)
            page = await send(person, page, "apply", {'["concurrency"]': "10", '["steps",0,"text"]': "hello"})
            assert text_of(page) == text

    house.run(main())


def test_steps_are_moved_copied_added_and_deleted_by_buttons(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            for button in ("step:copy:0", "step:add", "step:up:2", "step:remove:0", "step:down:0"):
                assert button in buttons_of(page.text)
                page = await send(person, page, button, {'["steps",0,"text"]': "kept"} if "copy" in button else {})
            assert re.findall(r'^(?:name|text) = "(.*)"', text_of(page), re.MULTILINE) == ["act_2", "kept", "act_3"]
            assert house.file() == PLAIN

    house.run(main())


def test_rows_are_added_moved_renamed_and_removed(house: House) -> None:
    async def main() -> None:
        name = '["steps",0,"headers"]'
        table = (
            '[[steps]]\nuse = "http_request"\nurl = "https://a.example"\n\n[steps.headers]\nA = "1" # one\nB = "2"\n'
        )
        text = '[source]\nuse = "getcourse.user_created"\n\n' + table
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            more = await send(person, page, "row:" + name, {})
            assert form_of(more.text)[f"{name}:k"] == ["A", "B", ""]
            changed = {f"{name}:k": ["A", "C", "D"], f"{name}:v": ["1", "2", "3"]}
            more = await send(person, more, "apply", {**changed, f"{name}:t": ["text", "text", "json"]})
            assert changes(text, text_of(more)) == ['-B = "2"', '+C = "2"', "+D = 3"]
            less = await send(person, more, f"rowout:1:{name}", {})
            assert changes(text, text_of(less)) == ['-B = "2"', "+D = 3"]
            moved = await send(person, page, f"rowdown:0:{name}", {})
            assert text_of(moved).index("B = ") < text_of(moved).index("A = ")
            twice = await send(person, page, "apply", {f"{name}:k": ["A", "A"]})
            assert '[["A", "1"], ["A", "2"]]' in text_of(twice)

    house.run(main())


def test_what_is_not_json_is_shown_again_with_the_reason_and_not_saved(house: House) -> None:
    async def main() -> None:
        text = (
            '[source]\nuse = "getcourse.user_created"\n\n'
            '[[steps]]\nuse = "http_request"\nurl = "https://a.example"\njson = [1]\n'
        )
        name = '["steps",0,"json"]'
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            for wrong, said in (("[1,", "This is not JSON."), ("[null]", "TOML has no null")):
                answer = await send(person, page, "save", {name: wrong})
                assert answer.status_code == 422
                assert said in answer.text
                assert text_of(answer) == text
            assert form_of((await send(person, page, "save", {name: "[1,"})).text)[name] == ["[1,"]
            right = await send(person, page, "apply", {name: '{"a": [1, {"b": "{{ $.event.id }}"}]}'})
            assert 'json = { a = [1, { b = "{{ $.event.id }}" }] }' in text_of(right)

    house.run(main())


def test_json_that_is_nested_without_end_is_no_fault(house: House) -> None:
    async def main() -> None:
        text = '[source]\nuse = "call"\n\n[[steps]]\nuse = "compose.json"\nvalue = [1]\n'
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            for depth in (150, 600, 3000):
                filled = {'["steps",0,"value"]': "[" * depth + "]" * depth}
                assert (await send(person, page, "save", filled)).status_code == 422, depth
            assert house.file() == text

    house.run(main())


def test_a_shape_is_chosen_and_then_filled_in(house: House) -> None:
    async def main() -> None:
        text = '[source]\nuse = "webhook.generic"\nverify = "none"\n\n[[steps]]\nuse = "set"\nvalues = { a = 1 }\n'
        verify = '["source","verify"]'
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            page = await send(person, page, "apply", {f"shape:{verify}": "1"})
            assert text_of(page) == text
            filled = {'["source","verify","preset"]': "github", '["source","verify","secret"]': "SOME_KEY"}
            page = await send(person, page, "apply", filled)
            written = 'verify = { preset = "github", secret = "{{ secret.SOME_KEY }}" }'
            assert changes(text, text_of(page)) == ['-verify = "none"', f"+{written}"]
            page = await send(person, page, "apply", {f"shape:{verify}": "0"})
            assert text_of(page) == text

    house.run(main())


def test_a_secret_in_the_file_never_reaches_the_browser_and_stays_unless_it_is_replaced(house: House) -> None:
    async def main() -> None:
        text = (
            "[source]\nuse = 'getcourse.user_created'\nsecret = 'first literal'  # kept\n\n"
            '[[steps]]\nuse = "http_request"\nurl = "https://a.example"\n'
            'auth = { basic = { username = "u", password = "second literal" } }\n'
        )
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            tab = await send(person, page, "tab:toml", {})
            for seen in (page.text, tab.text):
                assert "literal" not in seen
            assert (await send(person, page, "save", {URL: "https://b.example"})).status_code == 303
            assert house.file() == text.replace("a.example", "b.example")
            tab = await send(person, await person.get("/pipelines/x/edit"), "tab:toml", {})
            assert (await send(person, tab, "save", {})).status_code == 303
            assert house.file() == text.replace("a.example", "b.example")
            page = await person.get("/pipelines/x/edit")
            await send(person, page, "save", {'["source","secret"]': "SOME_KEY"})
            assert 'secret = "{{ secret.SOME_KEY }}"  # kept' in house.file()
            gone = await send(person, page, "save", {})
            assert gone.status_code == 422
            assert "does not have this secret any more" in gone.text

    house.run(main())


def test_the_toml_tab_has_the_same_draft_and_a_mistake_in_it_costs_nothing(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            tab = await send(person, page, "tab:toml", {'["steps",0,"text"]': "typed"})
            assert 'text = "typed"' in text_of(tab)
            broken = await send(person, tab, "tab:form", {"toml": 'title = "half\r\n'})
            assert text_of(broken) == 'title = "half\n'
            assert 'href="#line-1"' in broken.text
            assert re.search(r'value="tab:form"\s+disabled', broken.text)
            back = await send(person, broken, "tab:form", {"toml": PLAIN + "# more\n"})
            assert text_of(back) == PLAIN + "# more\n"
            assert '["steps",0,"do"]' in form_of(back.text)

    house.run(main())


def test_what_the_form_does_not_know_stays_and_can_be_taken_away(house: House) -> None:
    async def main() -> None:
        text = PLAIN + 'unknown = 1979-05-27\n\n[[steps]]\nuse = "gone.away"\nodd = { a = 1 }\n'
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            same = await send(person, page, "apply", {})
            assert text_of(same) == text
            forget = 'forget:["steps",0,"unknown"]'
            assert forget in map(html.unescape, buttons_of(page.text))
            assert "unknown" not in text_of(await send(person, page, forget, {}))
            for path in ('["steps",0]', '["steps"]', "[]", "[{}]", "nonsense", '["steps",9,"a"]'):
                assert text_of(await send(person, page, f"forget:{path}", {})) == text

    house.run(main())


@pytest.mark.parametrize("deed", ['forget:["steps",0,"a"]', 'item:["steps",0,"a"]'])
def test_a_button_that_the_page_does_not_have_does_nothing_to_what_is_no_toml(house: House, deed: str) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            page = await send(person, await person.get("/pipelines/x/edit"), "tab:toml", {})
            answer = await send(person, page, deed, {"toml": "[[steps"})
            assert (answer.status_code, text_of(answer)) == (200, "[[steps")

    house.run(main())


def test_two_people_editing_the_second_sees_the_difference_and_decides(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            mine = theirs = await person.get("/pipelines/x/edit")
            assert (await send(person, theirs, "save", {'["title"]': "theirs"})).status_code == 303
            told = await send(person, mine, "save", {'["title"]': "mine"})
            assert told.status_code == 409
            assert "Somebody else has changed this file" in told.text
            assert 'title = "theirs"' in house.file()
            kept = await send(person, told, "apply", {})
            assert 'title = "mine"' in text_of(kept)
            given_up = await send(person, told, "theirs", {})
            assert (given_up.status_code, given_up.headers["location"]) == (303, "/pipelines/x/edit")
            assert (await send(person, told, "overwrite", {})).status_code == 303
            assert 'title = "mine"' in house.file()

    house.run(main())


def test_deleting_asks_and_keeps_the_journal(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (served, person):
            run = await give(served.host, {"id": 1})
            await until(served.host, run)
            asked = await person.get("/pipelines/x/delete")
            assert "What is in the journal stays" in asked.text
            base = re.search(r'name="base" value="(\w+)"', asked.text)
            assert base is not None
            stale = await person.post("/pipelines/x/delete", {"base": "other"}, seen_on="/pipelines/x/delete")
            assert stale.status_code == 409
            gone = await person.post("/pipelines/x/delete", {"base": base[1]}, seen_on="/pipelines/x/delete")
            assert gone.status_code == 303
            assert not (house.folder / "pipelines" / "x.toml").exists()
            assert served.host.pipelines.get("x") is None
            assert await served.host.journal.run(run) is not None

    house.run(main())


def test_values_to_insert_are_those_of_the_last_event_and_of_each_steps_result(house: House) -> None:
    async def main() -> None:
        pipeline = steps('do = "say"\nname = "hello"\ntext = "{{ $.event.email }}"')
        async with house.with_files({"x": pipeline}) as (served, person):
            data: JsonValue = {"email": "a@b.example", "Имя и фамилия": "Анна", "it's": HOSTILE, "list": [{"deep": 1}]}
            await until(served.host, await give(served.host, data))
            page = html.unescape((await person.get("/pipelines/x/edit")).text)
            for template in (
                "{{ $.event.email }}",
                "{{ $.event['Имя и фамилия'] }}",
                "{{ $.event['it\\'s'] }}",
                "{{ $.event.list[0].deep }}",
                "{{ $.steps.hello.said }}",
                "{{ secret.SOME_KEY }}",
            ):
                assert template in page
                assert served.host.pipelines.loader.engine.compile(template, "") is not None
            assert "value of SOME_KEY" not in page

    house.run(main())


def test_hostile_texts_are_shown_as_text(house: House) -> None:
    async def main() -> None:
        quoted = json.dumps(HOSTILE)
        text = (
            f"title = {quoted}\n{quoted} = 1\n\n[source]\nuse = {quoted}\n\n"
            f'[[steps]]\nuse = "act"\nname = {quoted}\ndo = {quoted}\n{quoted} = {quoted}\n'
        )
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            pages = [page, await send(person, page, "tab:toml", {}), await person.get("/pipelines/x/delete")]
            pages.append(
                await person.post("/new", {"title": HOSTILE, "id": HOSTILE, "source": HOSTILE}, seen_on="/new")
            )
            for one in pages:
                assert "<script>alert" not in one.text
            assert text_of(await send(person, page, "apply", {})) == text

    house.run(main())


def test_only_operators_may_edit_and_only_by_their_own_form(house: House) -> None:
    async def main() -> None:
        form = {"title": "", "id": "y", "source": "call", "action": "act", "do": "save", "text": '""', "base": ""}
        async with house.with_files({"x": PLAIN}) as (served, operator), visitor(served, Role.VIEWER) as viewer:
            for path in ("/new", "/pipelines/x/edit", "/pipelines/x/delete"):
                assert (await viewer.get(path)).status_code == 403
                assert (await viewer.post(path, form, seen_on="/")).status_code == 403
                assert (await operator.client.post(path, data=form)).status_code == 403
            assert house.file() == PLAIN

    house.run(main())


def test_no_address_leads_to_another_file(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            for id in ("..%2Fsecrets", "%2E%2E", "X", "a%00b", "y", "a" * 65):
                for what in ("edit", "delete"):
                    assert (await person.get(f"/pipelines/{id}/{what}")).status_code in {400, 404, 405}
                draft = {"do": "save", "text": json.dumps(PLAIN), "base": ""}
                saved = await person.post(f"/pipelines/{id}/edit", draft, seen_on="/")
                dotted = "%2" in id.replace("%2E", "%2").upper()
                assert saved.status_code == (303 if id == "y" else 400 if dotted else 404), id

    house.run(main())
    assert {path.name for path in (house.folder / "pipelines").iterdir()} == {"x.toml", "y.toml"}
    names = sorted(path.name for path in house.folder.iterdir())
    assert names == ["jackfield.toml", "pipelines", "secrets.toml", "var"]


STRANGE_FORMS = [
    {"text": "nonsense"},
    {"text": "[1]", "do": "step:up:99"},
    {"text": '"a = ' + "[" * 3000 + '"'},
    {"text": json.dumps("x = " + "9" * 5000)},
    {"text": json.dumps(PLAIN), "do": "step:remove:99999999999"},
    {"text": json.dumps(PLAIN), "do": "rowup:99999:[]"},
    {"text": json.dumps(PLAIN), "shape:[]": "9" * 50, 'was:["title"]': "9"},
    {"text": json.dumps('steps = 1\nsource = "x"\n'), "do": "step:add", "new_action": "act"},
    {"text": json.dumps("steps = [1, {}]\n"), "do": "step:copy:0", "step_use:0": "act"},
    {"text": json.dumps("title = [1]\n[source]\nuse = 1\n[[steps]]\nuse = []\nname = {}\n"), "do": "save"},
]


def test_forms_that_no_page_of_ours_would_send_break_nothing(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            for form in STRANGE_FORMS:
                answer = await person.post("/pipelines/x/edit", form, seen_on="/")
                assert answer.status_code in {200, 409, 422}, form
                assert house.file() == PLAIN

    house.run(main())


def test_the_editor_speaks_russian(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": PLAIN}) as (_, person):
            page = await person.client.get("/pipelines/x/edit", headers={"accept-language": "ru"})
            for words in ("Сохранить", "Одновременно", "Значения для шаблонов"):
                assert words in page.text

    house.run(main())


def test_a_step_is_tried_on_the_draft_and_nothing_is_sent_unless_that_is_asked_for(house: House) -> None:
    async def main() -> None:
        text = (
            '[source]\nuse = "getcourse.user_created"\n\n[[steps]]\nuse = "http_request"\nname = "send"\n'
            'url = "https://a.example/{{ $.event.id }}"\nheaders = { X = "{{ secret.SOME_KEY }}" }\n'
        )
        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            seen = await send(person, page, "try:0", {URL: "https://b.example/{{ $.event.email }}"})
            assert "Nothing was sent." in seen.text
            assert "POST https://b.example/" in seen.text
            assert "value of SOME_KEY" not in seen.text
            assert house.file() == text
            broken = await send(person, page, "try:0", {URL: "https://b.example/{{ $.event.nothing }}"})
            assert "The step fails on this event." in broken.text
            for strange in ("try:7", "try:x", "try:", "send:99"):
                assert (await send(person, page, strange, {})).status_code == 200

    house.run(main())


def test_what_is_really_sent_passes_the_address_guard_and_is_not_in_the_journal(house: House) -> None:
    async def main() -> None:
        text = '[source]\nuse = "call"\n\n[[steps]]\nuse = "http_request"\nurl = "http://127.0.0.1:9/"\n'
        async with house.with_files({"tried": text}) as (served, person):
            page = await person.get("/pipelines/tried/edit")
            sent = await send(person, page, "send:0", {}, "tried")
            assert "the step failed" in sent.text
            assert "127.0.0.1" in sent.text
            assert (await served.host.journal.search(Query(pipeline="tried"))).runs == []

    house.run(main())


STRANGE_LETTERS = st.sampled_from("aБ0 \t\n\r\0\"'\\{}$<&.—")
WORDS = st.text(STRANGE_LETTERS, max_size=6) | st.sampled_from(["{{ $.event.id }}", "true", "1"])
VALUES = st.recursive(
    WORDS | st.booleans() | st.integers(-9, 10**20) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OPTIONS = (
    "url",
    "headers",
    "json",
    "body",
    "success",
    "auth",
    "multipart",
    "timeouts",
    "omit_empty",
    "redirects",
    "max_redirects",
)


@example({"success": ["\r", ""]})
@example({"success": ["", "2**"]})
@settings(max_examples=12)
@given(st.dictionaries(st.sampled_from((*OPTIONS, "when", "retry", "name")), VALUES, min_size=1, max_size=6))
def test_whatever_stands_in_a_file_a_form_that_nobody_changed_leaves_it_as_it_is(
    house: House, options: dict[str, JsonValue]
) -> None:
    async def main() -> None:
        try:
            step = "".join(toml_entry(key, value) for key, value in {"use": "http_request", **options}.items())
        except ValueError:  # TOML cannot say it
            return
        text = f'[source]\nuse = "call"\n\n[[steps]]\n{step}'
        async with house.with_files({"x": ""}) as (_, person):
            page = await send(person, await person.get("/pipelines/x/edit"), "tab:form", {"toml": text})
            assert text_of(page) == text
            again = await send(person, page, "apply", {})
            assert text_of(again) == text
            assert form_of(again.text).keys() >= {"text", "source_use", "step_use:0"}

    house.run(main())


def test_tables_in_a_list_are_added_filled_in_and_removed(house: House) -> None:
    async def main() -> None:
        step = '[[steps]]\nuse = "http_request"\nurl = "https://a.example"\n'
        text = f'[source]\nuse = "call"\n\n{step}'
        listed = f'{text}\n[[steps.multipart]]\nname = "a"\ntext = "1"\n\n[[steps.multipart]]\nname = "b"\ntext = "2"\n'
        name = '["steps",0,"multipart"]'
        async with house.with_files({"x": text, "listed": listed}) as (_, person):
            page = await send(person, await person.get("/pipelines/x/edit"), f"item:{name}", {})
            assert changes(text, text_of(page)) == ["+multipart = [{}]"]
            filled = {'["steps",0,"multipart",0,"name"]': "file", '["steps",0,"multipart",0,"text"]': "hello"}
            page = await send(person, page, f"item:{name}", filled)
            assert 'multipart = [{ name = "file", text = "hello" }, {}]' in text_of(page)
            page = await send(person, page, 'forget:["steps",0,"multipart",1]', {})
            assert 'multipart = [{ name = "file", text = "hello" }]' in text_of(page)
            page = await send(person, page, 'forget:["steps",0,"multipart",0]', {})
            assert text_of(page) == text
            page = await person.get("/pipelines/listed/edit")
            other = await send(person, page, "apply", {'["steps",0,"multipart",1,"text"]': "3"}, "listed")
            assert changes(listed, text_of(other)) == ['-text = "2"', '+text = "3"']
            one = await send(person, page, 'forget:["steps",0,"multipart",0]', {}, "listed")
            assert tomllib.loads(text_of(one))["steps"][0]["multipart"] == [{"name": "b", "text": "2"}]
            more = await send(person, page, f"item:{name}", {}, "listed")
            assert len(tomllib.loads(text_of(more))["steps"][0]["multipart"]) == 3

    house.run(main())


def test_of_a_large_event_only_the_outermost_names_are_listed(house: House) -> None:
    async def main() -> None:
        async with house.with_files({"x": steps('do = "say"')}) as (served, person):
            large: JsonValue = {"email": "a@b.example", "deep": [{"name": "x" * 100} for _ in range(2000)]}
            await until(served.host, await give(served.host, large))
            page = html.unescape((await person.get("/pipelines/x/edit")).text)
            assert "{{ $.event.deep }}" in page
            assert "{{ $.event.deep[0] }}" not in page
            assert len(page) < 200_000

    house.run(main())


def test_a_pipeline_with_very_many_steps_can_be_changed_as_a_text(house: House) -> None:
    many = steps(*(f'do = "say"\nname = "s{number}"' for number in range(2000)))

    async def main() -> None:
        async with house.with_files({"x": many}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            assert text_of(page) == many
            assert (await send(person, page, "tab:form", {})).status_code == 200
            assert text_of(await send(person, page, "apply", {"toml": many + "# more\n"})) == many + "# more\n"

    house.run(main())


def test_check_says_beside_its_button_that_all_is_well_or_what_is_not(house: House) -> None:
    async def main() -> None:
        text = (
            '[source]\nuse = "getcourse.user_created"\n\n[[steps]]\nuse = "http_request"\nname = "send"\n'
            'method = "POST"\nurl = "https://a.example/{{ $.event.id }}"\n'
        )

        def verdict(page: str) -> str:
            before, _, after = page.partition('id="verdict">')
            assert not after or '<button name="do" value="check">' in before
            return " ".join(re.sub(r"<[^>]*>", " ", after.partition("</p>")[0]).split())

        async with house.with_files({"x": text}) as (_, person):
            page = await person.get("/pipelines/x/edit")
            assert verdict(page.text) == ""
            well = await send(person, page, "check", {})
            assert verdict(well.text) == "All is well; nothing was saved."
            bad = await send(person, page, "check", {URL: "https://a.example/{{ $.event. }}"})
            assert verdict(bad.text) == "1 mistake is listed above"
            slip = await send(person, page, "check", {URL: "http://127.0.0.1/{{ $.event.emial }}"})
            assert verdict(slip.text) == "It can run. 2 things could be better"
            assert "$.event.emial was never seen; did you mean $.event.email?" in html.unescape(slip.text)
            assert "a request to 127.0.0.1 is refused, for it is a loopback address" in html.unescape(slip.text)
            assert "move-secret" not in html.unescape(slip.text)
            toml = await send(person, page, "check", {"toml": text.replace("POST", "POTS")})
            assert verdict(toml.text) == "It can run. 1 thing could be better"
            assert "did you mean POST?" in html.unescape(toml.text)
            assert house.file() == text

    house.run(main())
