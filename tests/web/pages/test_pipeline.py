"""The page of one pipeline, and the sample event that is sent from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from jackfield import Field, WebhookRequest, hookimpl
from jackfield.journal.records import Mode, Query, State
from jackfield.users import Role
from tests.support import Call, Plugin, give, serve, steps, until
from tests.web.pages.test_pipelines import XSS, read, words
from tests.web.site import visitor


class School(Call):
    name = "school"
    title = "School"
    fields = (
        Field("email", {"en": f"Mail {XSS}", "ru": "Почта"}, example="anna@example.ru", placeholder="{object.email}"),
        Field("tags", "Tags", example=["a", XSS]),
        Field("note", "Note"),
    )
    instructions = ({"en": f"Paste the address {XSS}.", "ru": "Вставьте адрес."}, "Start it.")

    def address(self, url: str) -> str:
        return url + "?email={object.email}&x=<1>"


class Faulty(Call):
    name = "faulty"
    title = "Faulty"

    def address(self, url: str) -> str:
        raise ZeroDivisionError

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        raise ZeroDivisionError


class Schools(Plugin):
    @hookimpl
    def register_sources(self) -> list[type[Any]]:
        return [*super().register_sources(), School, Faulty]


SCHOOL = steps('do = "say"', head='title = "School"', source='use = "school"')
PUBLIC = '[server]\nport = 0\npublic_url = "https://hooks.example.ru"\n'


def test_the_sender_is_set_up_by_what_stands_on_the_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": SCHOOL}, Schools(), PUBLIC) as served,
            visitor(served) as operator,
            visitor(served, language="ru") as russian,
        ):
            page = await read(operator, "/pipelines/x")
            path = served.host.addresses.path("x", 1)
            assert f"https://hooks.example.ru{path}?email={{object.email}}&amp;x=&lt;1&gt;</pre>" in page
            assert "%7B" not in page
            assert XSS not in page
            said = words(page)
            assert f"Paste the address {XSS}. Start it." in said
            assert f"email Mail {XSS} anna@example.ru {{object.email}}" in said
            assert "works on this machine only" not in said
            assert "Вставьте адрес." in await read(russian, "/pipelines/x")

    asyncio.run(main())


def test_a_host_that_is_not_reached_from_outside_says_so_beside_the_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": SCHOOL, "faulty": steps(source='use = "faulty"')}, Schools()) as served,
            visitor(served) as operator,
        ):
            assert "works on this machine only" in await read(operator, "/pipelines/x")
            assert "source faulty cannot make its address" in await read(operator, "/pipelines/faulty")

    asyncio.run(main())


def test_a_viewer_sees_the_page_without_the_address_and_without_deeds(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SCHOOL}, Schools()) as served, visitor(served, Role.VIEWER) as viewer:
            page = await read(viewer, "/pipelines/x")
            assert served.host.tokens["x"] not in page
            for deed in ("/edit", "/delete", "/mode", "/sample"):
                assert f"/pipelines/x{deed}" not in page
                assert (await viewer.post(f"/pipelines/x{deed}", {}, seen_on="/pipelines/x")).status_code in {403, 404}
            assert "/pipelines/x/versions" in page
            assert not (await served.host.journal.search(Query())).runs

    asyncio.run(main())


def test_a_sample_event_becomes_a_run_of_the_examples(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SCHOOL}, Schools()) as served, visitor(served) as operator:
            assert (await operator.client.post("/pipelines/x/sample")).status_code == 403
            answer = await operator.post("/pipelines/x/sample", {}, seen_on="/pipelines/x")
            assert answer.status_code == 303
            run = await until(served.host, answer.headers["location"].removeprefix("/runs/"))
            assert run.event.data == {"email": "anna@example.ru", "tags": ["a", XSS], "note": ""}
            assert f"/runs/{run.summary.id}" in await read(operator, "/pipelines/x")

    asyncio.run(main())


def test_a_sample_that_is_a_duplicate_leads_to_the_run_that_it_duplicates(tmp_path: Path) -> None:
    async def main() -> None:
        source = 'use = "school"\ndedupe = "{{ $.event.email }}"'
        twins = {"x": steps('do = "say"', source=source), "y": SCHOOL}
        async with serve(tmp_path, twins, Schools()) as served, visitor(served) as operator:
            first = await operator.post("/pipelines/x/sample", {}, seen_on="/pipelines/x")
            second = await operator.post("/pipelines/x/sample", {}, seen_on="/pipelines/x")
            page = await read(operator, second.headers["location"])
            run = first.headers["location"]
            assert "was taken for a duplicate" in page
            assert f'<a href="{run}">the run that it duplicates</a>' in page
            foreign = await read(operator, f"/pipelines/y?duplicate={run.removeprefix('/runs/')}")
            assert "duplicate" not in words(foreign)

    asyncio.run(main())


def test_a_sample_that_is_refused_is_told_with_the_reason_and_stands_in_the_journal(tmp_path: Path) -> None:
    async def main() -> None:
        files = {"x": SCHOOL, "faulty": steps('do = "say"', source='use = "faulty"')}
        async with serve(tmp_path, files, Schools()) as served, visitor(served) as operator:
            await served.host.modes.set("x", Mode.STOPPED, "")
            answer = await operator.post("/pipelines/x/sample", {}, seen_on="/pipelines/x")
            assert answer.status_code == 409
            assert "The sample event was not taken. The pipeline is stopped. Start it" in words(answer.text)
            again = await operator.get("/pipelines/x/sample")
            assert (again.status_code, again.headers["location"]) == (303, "/pipelines/x")
            assert [one.status for one in await served.host.journal.refusals("x")] == [503]
            answer = await operator.post("/pipelines/faulty/sample", {}, seen_on="/pipelines/x")
            assert answer.status_code == 409
            assert "source faulty cannot make a sample: ZeroDivisionError()" in words(answer.text)
            assert (await operator.post("/pipelines/none/sample", {}, seen_on="/")).status_code == 404

    asyncio.run(main())


def test_the_newest_twenty_runs_are_below_with_a_link_to_the_rest(tmp_path: Path) -> None:
    async def main() -> None:
        files = {"x": steps('do = "give_up"', 'do = "say"'), "y": SCHOOL}
        files["x"] = files["x"].replace('do = "give_up"', 'do = "give_up"\ntext = "{{ $.event.a }}"\nname = "one"')
        async with serve(tmp_path, files, Schools()) as served, visitor(served) as operator:
            await give(served.host, {"a": 1}, "y")
            runs = [await give(served.host, {"a": f"{XSS}{number}"}) for number in range(21)]
            for run in runs:
                await until(served.host, run)
            page = await read(operator, "/pipelines/x")
            assert page.count('href="/runs/') == 20
            assert f"/runs/{runs[0]}" not in page
            assert 'href="/runs?pipeline=x"' in page
            assert XSS not in page
            said = words(page)
            assert f"Failed {21}" in said
            assert f"never: {XSS}20" in said
            assert "21 runs in 24 hours" in said

    asyncio.run(main())


def test_a_viewer_does_not_see_in_an_error_what_the_pipeline_hides(tmp_path: Path) -> None:
    async def main() -> None:
        text = steps('do = "give_up"\ntext = "{{ $.event.phone }}"', head='mask = ["$.event.phone"]')
        async with serve(tmp_path, {"x": text}) as served:
            await until(served.host, await give(served.host, {"phone": "+79161234567"}), {State.FAILED})
            async with visitor(served) as operator, visitor(served, Role.VIEWER) as viewer:
                assert "never: +79161234567" in words(await read(operator, "/pipelines/x"))
                said = words(await read(viewer, "/pipelines/x"))
                assert "never: ***" in said
                assert "9161234567" not in said

    asyncio.run(main())


def test_a_pipeline_that_is_gone_is_said_to_be_and_what_it_did_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SCHOOL, "y": SCHOOL}, Schools()) as served, visitor(served) as operator:
            run = await give(served.host, {"a": 1})
            await until(served.host, run)
            for id in ("x", "y"):
                (tmp_path / "pipelines" / f"{id}.toml").unlink()
            await served.host.reload()
            page = await read(operator, "/pipelines/x")
            assert "This pipeline has been deleted" in page
            assert 'href="/runs?pipeline=x"' in page
            assert f"/runs/{run}" in page
            assert "None of its runs is kept" in await read(operator, "/pipelines/y")
            for path in ("/pipelines/z", f"/pipelines/{XSS.replace('/', '%2f')}"):
                answer = await operator.get(path)
                assert answer.status_code == 404
                assert XSS not in answer.text

    asyncio.run(main())


def test_a_pipeline_that_is_blocked_is_not_said_to_run_events(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps("do = 5")}) as served, visitor(served) as person:
            page = (await person.get("/pipelines/x")).text
            mode = page.partition('id="mode-title"')[2].partition("<details")[0]
            assert "Blocked" in mode
            assert "Events are taken and run." not in mode

    asyncio.run(main())
