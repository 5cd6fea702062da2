"""Choosing the language of the pages, also where something is filled in already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from jackfield.access.users import Role
from jackfield.i18n.translations import LANGUAGE_COOKIE
from jackfield.web.server.serving import Served
from tests.support import serve, steps
from tests.web.browserless import form_of
from tests.web.site import Visitor, visitor

FILE = steps('do = "say"\ntext = "hello"', head='title = "Old"')
TEXT = '["steps",0,"text"]'


def visit(folder: Path, story: Callable[[Served, Visitor], Awaitable[None]], role: Role | None = Role.OPERATOR) -> None:
    async def main() -> None:
        async with serve(folder, {"x": FILE}) as served, visitor(served, role) as person:
            await story(served, person)

    asyncio.run(main())


def test_the_language_that_is_chosen_is_remembered_and_the_page_shown_again(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        away = await person.post("/language", {"language": "ru", "next": "/runs"}, seen_on="/")
        assert (away.status_code, away.headers["location"]) == (303, "/runs")
        assert "Журнал" in (await person.get("/runs")).text
        odd = await person.post("/language", {"language": "xx", "next": "/runs"}, seen_on="/")
        assert (odd.status_code, "set-cookie" in odd.headers) == (303, False)

    visit(tmp_path, story)


def test_a_draft_stays_when_the_language_is_changed_in_the_midst_of_it(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        page = await person.get("/pipelines/x/edit")
        assert "<editor-form>" in page.text
        assert 'form="editor" class="plain" name="language" value="ru"' in page.text
        assert 'action="/language"' not in page.text, "that form would give the draft up"
        page = await person.client.post(
            "/pipelines/x/edit", data={**form_of(page.text), TEXT: "changed", '["concurrency"]': "4", "language": "ru"}
        )
        assert (page.status_code, person.client.cookies[LANGUAGE_COOKIE]) == (200, "ru")
        assert '<html lang="ru">' in page.text
        assert "Сохранить" in page.text
        assert "<editor-form data-changed>" in page.text, "a script asks before it is given up"
        form = form_of(page.text)
        assert (form[TEXT], form['["concurrency"]']) == (["changed"], ["4"])
        assert (tmp_path / "pipelines" / "x.toml").read_text(encoding="utf-8") == FILE
        saved = await person.client.post("/pipelines/x/edit", data={**form, "do": "save"})
        assert saved.status_code == 303
        assert 'text = "changed"' in (tmp_path / "pipelines" / "x.toml").read_text(encoding="utf-8")

    visit(tmp_path, story)


def test_a_text_that_is_no_toml_yet_stays_too_and_what_nobody_changed_is_nothing_to_lose(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        form = {**form_of((await person.get("/pipelines/x/edit")).text), "do": "tab:toml"}
        page = await person.client.post("/pipelines/x/edit", data=form)
        same = await person.client.post("/pipelines/x/edit", data={**form_of(page.text), "language": "ru"})
        assert form_of(same.text)["toml"] == form_of(page.text)["toml"]
        assert "<editor-form>" in same.text
        half = {**form_of(same.text), "toml": "title = <b>", "language": "en"}
        page = await person.client.post("/pipelines/x/edit", data=half)
        assert form_of(page.text)["toml"] == ["title = <b>"]
        assert '<html lang="en">' in page.text

    visit(tmp_path, story)


def test_what_is_chosen_for_a_new_pipeline_stays_and_so_does_its_draft(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        filled = {"title": "Заявки <i>", "id": "A b", "source": "call", "language": "ru"}
        page = await person.post("/new", filled, seen_on="/new")
        assert (page.status_code, "Новая обработка" in page.text, 'role="alert"' in page.text) == (200, True, False)
        form = form_of(page.text, "new")
        assert [form[name] for name in ("title", "id", "source")] == [["Заявки <i>"], ["A b"], ["call"]]
        draft = await person.client.post("/new", data={**form, "id": "new-one", "action": "act"})
        assert "Это черновик" in draft.text
        draft = await person.client.post("/pipelines/new-one/edit", data={**form_of(draft.text), "language": "en"})
        assert "This is a draft. Nothing is written until you save it." in draft.text
        assert "<editor-form data-changed>" in draft.text
        assert not (tmp_path / "pipelines" / "new-one.toml").exists()

    visit(tmp_path, story)


def test_nothing_but_our_own_form_and_our_own_languages_counts(tmp_path: Path) -> None:
    async def story(_served: Served, person: Visitor) -> None:
        for path in ("/pipelines/x/edit", "/new"):
            forged = await person.client.post(path, data={"language": "ru"})
            assert (forged.status_code, LANGUAGE_COOKIE in person.client.cookies) == (403, False)
            odd = await person.post(path, {"language": "../ru", "toml": FILE}, seen_on="/new")
            assert (odd.status_code in {200, 422}, LANGUAGE_COOKIE in person.client.cookies) == (True, False)

    visit(tmp_path, story)
