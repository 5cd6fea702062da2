"""The page of one pipeline, and the sample event that is sent from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from jackfield import EventField, WebhookRequest, hookimpl
from jackfield.access.users import Role
from jackfield.journal.records import SETTLED, Mode, Outcome, State
from jackfield.journal.views import Query, StepCount
from jackfield.web.pages.pipelines.progress import progress_of
from jackfield.web.server.serving import Served
from tests.support import Call, Plugin, give, serve, steps, until
from tests.web.pages.pipelines.test_pipelines import XSS, read, words
from tests.web.site import visitor


class School(Call):
    name = "school"
    title = "School"
    fields = (
        EventField(
            "email", {"en": f"Mail {XSS}", "ru": "Почта"}, example="anna@example.ru", placeholder="{object.email}"
        ),
        EventField("tags", "Tags", example=["a", XSS]),
        EventField("note", "Note"),
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


def test_braces_are_spoken_of_where_the_address_has_some(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SCHOOL, "plain": steps()}, Schools()) as served, visitor(served) as operator:
            braces, secret = "Paste it as it is, braces included.", "Keep it secret"
            for pipeline, said in (("x", True), ("plain", False)):
                page = await read(operator, f"/pipelines/{pipeline}")
                assert (braces in page, secret in page) == (said, True), pipeline

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
            assert page.count('<tr data-run="') == 20
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
            for path, status in (("/pipelines/z", 404), (f"/pipelines/{XSS.replace('/', '%2f')}", 400)):
                answer = await operator.get(path)
                assert answer.status_code == status
                assert XSS not in answer.text

    asyncio.run(main())


def test_a_pipeline_that_is_blocked_is_not_said_to_run_events(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps("do = 5")}) as served, visitor(served) as person:
            page = (await person.get("/pipelines/x")).text
            mode = page.partition('id="mode-title"')[2].partition("<details")[0]
            assert "Blocked once it is mended: Running" in words(mode)
            assert "mode-running" not in mode
            assert "Events are taken and run." not in mode
            table = words(await read(person, "/")).partition("What the modes mean")[0]
            assert "Blocked once it is mended: Running" in table

    asyncio.run(main())


def test_each_step_says_how_many_runs_got_beyond_it_and_where_the_others_are(tmp_path: Path) -> None:
    async def main() -> None:
        retry = 'retry = { attempts = 5, first_wait = "1 h" }'
        first = 'name = "first"\ndo = "say"'
        second = f'name = "second"\ndo = "{{{{ $.event.do }}}}"\n{retry}'
        third = 'name = "third"\ndo = "say"'
        before, after = steps(first, second), steps(first, second, third)
        async with serve(tmp_path, {"x": before}) as served, visitor(served) as operator:
            assert "Went past it" not in await read(operator, "/pipelines/x")
            await _carried(served, ["say", "say", "give_up"])
            (tmp_path / "pipelines" / "x.toml").write_text(after, encoding="utf-8")
            await served.host.reload()
            await _carried(served, ["say", "skip", "fail_for_now", "give_up", "give_up"])
            said = words(await read(operator, "/pipelines/x"))
            assert "first Went past it 8 Step 2" in said
            assert "second Went past it 3 Waiting for a retry 1 Failed 3 Skipped 1 Step 3" in said
            assert "third Went past it 1 Outcome in 24 hours" in said

    asyncio.run(main())


async def _carried(served: Served, deeds: Sequence[str]) -> None:
    for deed in deeds:
        await until(served.host, await give(served.host, {"do": deed}), [*SETTLED, State.WAITING])


def test_what_is_not_known_of_a_run_is_not_counted_at_a_step() -> None:
    versions = {"v1": ["a", "b"], "v2": []}
    found = progress_of(
        [
            StepCount("v1", State.RUNNING, 5),
            StepCount("v1", State.FAILED, 7, "gone", Outcome.FAILED),
            StepCount("v1", State.QUEUED, 11, "a", Outcome.SUCCEEDED, more=True),
            StepCount("v2", State.FAILED, 13, "a", Outcome.FAILED),
            StepCount("v3", State.SUCCEEDED, 17),
        ],
        versions,
    )
    assert found["a"].states == [(State.RUNNING, 5)]
    assert found["b"].states == [(State.QUEUED, 11)]
    assert (found["a"].passed, found["b"].passed) == (11, 0)
    assert found["a"].uncertain == {State.QUEUED}
