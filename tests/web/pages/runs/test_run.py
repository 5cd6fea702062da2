"""The page of a run, and what can be done to a run there."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest

from jackfield.access.users import Role
from jackfield.components.values import Exchange
from jackfield.journal.records import Attempt, Mode, Outcome, State
from jackfield.journal.views import Query
from jackfield.web.pages.runs.hints import attempt_hint
from jackfield.web.render.json_tree import Node, read_tree
from jackfield.web.server.serving import Served
from tests.journal.kit import Clock, new_run
from tests.support import Plugin, give, hook, serve, steps, until
from tests.web.pages.pipelines.test_pipelines import words
from tests.web.site import visitor

XSS = "<script>alert(1)</script>"
THREE = steps(
    'name = "first"\ndo = "say"\ntext = "{{ $.event.phone }}"',
    'name = "passed"\ndo = "say"\nwhen = "{{ false }}"',
    'name = "second"\ndo = "give_up"\ntext = "{{ $.event.phone }}"',
    'name = "third"\ndo = "say"',
    head='mask = ["$.event.phone"]',
)


async def failed(served: Served, event: dict[str, object] | None = None, pipeline: str = "x") -> str:
    run = await give(served.host, event or {"phone": "+79001112233", "имя": "Анна"}, pipeline)  # type: ignore[arg-type]
    await until(served.host, run)
    return run


def test_a_run_shows_its_event_its_request_and_every_step_also_those_that_were_not_reached(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served) as operator:
            page = await operator.get(f"/runs/{await failed(served)}")
            assert page.status_code == 200
            for text in ("имя", "Анна", "1. first", "2. passed", "Passed over", "3. second", "4. third", "Not reached"):
                assert text in page.text
            assert "step second: never: +79001112233" in page.text
            assert "/pipelines/x/versions" in page.text
            assert (await operator.get("/runs/nobody")).status_code == 404

    asyncio.run(main())


def test_a_run_that_was_quarantined_says_so_in_place_of_an_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps('name = "send"\ndo = "say"')}) as served, visitor(served) as operator:
            host = served.host
            host.runner.crash_limit = 0
            page = (await operator.get(f"/runs/{await failed(served)}")).text
            assert "Not carried out: the host has put the run into quarantine" in page
            assert "Attempt 1" not in page

    asyncio.run(main())


def test_a_viewer_gets_neither_page_nor_download_with_a_masked_value(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served, Role.VIEWER) as viewer:
            async with httpx.AsyncClient() as sender:
                body = {"phone": "+7 (900) 111-22-33", "имя": "Анна"}
                await sender.post(f"{hook(served)}?tel=%2B7%20(900)%20111-22-33", json=body)
            run = (await viewer.get("/runs")).text.split('data-run="')[1].split('"')[0]
            await until(served.host, run)
            for path in (f"/runs/{run}", f"/runs/{run}.json"):
                answer = await viewer.get(path)
                assert answer.status_code == 200
                assert not any(part in answer.text for part in ("111-22", "9001112233", "79001"))
                assert "Анна" in answer.text
            for deed in ("replay", "cancel", "retry"):
                assert (await viewer.post(f"/runs/{run}/{deed}", {})).status_code == 403
            page = await viewer.get(f"/runs/{run}")
            assert "Some values are hidden from viewers" in page.text
            assert 'id="replay"' not in page.text

    asyncio.run(main())


def test_a_replay_with_another_event_hides_the_value_of_the_first_event_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served) as operator:
            run = await failed(served)
            form = {"from_step": "second", "on": "original", "event": '{"phone": "+79995556677"}'}
            answer = await operator.post(f"/runs/{run}/replay", form)
            assert answer.status_code == 303
            new = answer.headers["location"].removeprefix("/runs/").partition("?")[0]
            assert "79001112233" in (await operator.get(f"/runs/{new}")).text
            await until(served.host, new)
            async with visitor(served, Role.VIEWER) as viewer:
                shown = (await viewer.get(f"/runs/{new}")).text
                assert "79001112233" not in shown
                assert "79995556677" not in shown

    asyncio.run(main())


def test_of_one_request_with_several_events_the_others_values_are_hidden_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served, Role.VIEWER) as viewer:
            async with httpx.AsyncClient() as sender:
                await sender.post(hook(served), json=[{"phone": "79001112233"}, {"phone": "79004445566"}])
            for run in (await served.host.journal.search(Query())).runs:
                await until(served.host, run.id)
                shown = (await viewer.get(f"/runs/{run.id}")).text
                assert "79001112233" not in shown
                assert "79004445566" not in shown

    asyncio.run(main())


def test_without_its_pipeline_a_viewer_sees_nothing_of_a_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served, Role.VIEWER) as viewer:
            run = await failed(served)
            (tmp_path / "pipelines" / "x.toml").unlink()
            await served.host.reload()
            shown = (await viewer.get(f"/runs/{run}")).text
            assert "there is no pipeline any more" in shown
            assert not any(text in shown for text in ("Анна", "79001112233", "never"))
            assert "Анна" not in (await viewer.get(f"/runs/{run}.json")).text

    asyncio.run(main())


def test_a_run_is_replayed_as_it_was_asked_for_and_both_name_each_other(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with serve(tmp_path, {"x": THREE}, plugin) as served, visitor(served) as operator:
            run = await failed(served)
            answer = await operator.post(f"/runs/{run}/replay", {"from_step": "", "on": "current", "event": ""})
            new = answer.headers["location"].removeprefix("/runs/").partition("?")[0]
            await until(served.host, new)
            page = await operator.get(answer.headers["location"])
            assert "This is the new run." in page.text
            assert f"/runs/{run}" in page.text
            assert f"/runs/{new}" in (await operator.get(f"/runs/{run}")).text
            assert [text for text, _ in plugin.calls] == ["+79001112233"] * 4

    asyncio.run(main())


def test_a_mistake_in_a_replay_is_said_in_place_and_nothing_filled_in_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served) as operator:
            run = await failed(served)
            for form, said in (
                ({"event": '{"phone": '}, "This is not JSON"),
                ({"event": "[1]"}, "An event is a JSON object"),
                ({"event": '{"a": NaN}'}, "This is not JSON"),
                ({"from_step": "third", "event": '{"phone": "mine"}'}, "never came to a step"),
            ):
                page = await operator.post(f"/runs/{run}/replay", {"on": "original", "from_step": "", **form})
                assert page.status_code == 422
                assert said in page.text
                assert form["event"] in unescape(page.text)
            assert len((await served.host.journal.search(Query())).runs) == 1

    asyncio.run(main())


def test_a_waiting_run_is_made_due_and_cancelled_and_what_comes_too_late_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        pipeline = steps('do = "fail_for_now"\ntext = "30"')
        async with serve(tmp_path, {"x": pipeline}) as served, visitor(served) as operator:
            run = await give(served.host, {})
            before = await until(served.host, run, [State.WAITING])
            assert "Retry now" in (await operator.get(f"/runs/{run}")).text
            done = await operator.post(f"/runs/{run}/retry", {})
            assert done.headers["location"] == f"/runs/{run}?done=due"
            await until(served.host, run, [State.WAITING], after=before.summary.due_at)
            done = await operator.post(f"/runs/{run}/cancel", {})
            assert "The run is cancelled." in (await operator.get(done.headers["location"])).text
            for deed, said in (("cancel", "nothing to cancel"), ("retry", "does not wait")):
                late = await operator.post(f"/runs/{run}/{deed}", {})
                assert late.status_code == 409
                assert said in late.text
            forged = await operator.client.post(f"/runs/{run}/replay", data={"csrf": "no"})
            assert forged.status_code == 403

    asyncio.run(main())


def test_the_attempt_that_is_under_way_is_said_with_its_number_and_its_beginning(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps('do = "say"', 'name = "slow"\ndo = "wait"', 'name = "last"\ndo = "say"')
        async with serve(tmp_path, {"x": pipeline}, plugin) as served, visitor(served) as operator:
            run = await give(served.host, {})
            await until(served.host, run, [State.RUNNING])
            shown = words((await operator.get(f"/runs/{run}")).text)
            since = f"{served.host.runner.under_way[run].since:%Y-%m-%d %H:%M:%S UTC}"
            assert f"In progress Attempt 1 of step slow has been under way since {since} ." in shown
            assert f"Attempt 1 In progress since {since}" in shown
            assert "3. last Act Not reached" in shown
            plugin.act.gate.set()
            await until(served.host, run)
            shown = words((await operator.get(f"/runs/{run}")).text)
            assert "under way" not in shown
            assert "In progress" not in shown
            assert served.host.runner.under_way == {}

    asyncio.run(main())


def test_what_earlier_attempts_failed_of_is_not_shown_as_what_a_run_failed_of(tmp_path: Path) -> None:
    async def main() -> None:
        retry = 'retry = { attempts = 5, first_wait = "1 h" }'
        pipeline = steps(f'name = "try"\ndo = "fail_for_now"\n{retry}', 'do = "say"\nname = "late"')
        async with serve(tmp_path, {"x": pipeline}) as served, visitor(served) as operator:
            run = await give(served.host, {})
            waiting = await until(served.host, run, [State.WAITING])
            page = (await operator.get(f"/runs/{run}")).text
            due = f"{waiting.summary.due_at:%Y-%m-%d %H:%M:%S UTC}"
            assert f"Attempt 2 of step try is made at {due} . Retry now" in words(page)
            assert f"Attempt 2 Comes next {due}" in words(page)
            assert "The last attempt came to nothing: step try: not now" in words(page)
            assert 'class="error' not in page
            assert "what-error" not in (await operator.get("/runs")).text
            await served.host.journal.cancel(run)
            page = (await operator.get(f"/runs/{run}")).text
            assert 'class="error' not in page
            assert "comes next" not in page.lower()

    asyncio.run(main())


def test_a_download_is_what_the_api_answers(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served) as operator:
            run = await failed(served)
            answer = await operator.get(f"/runs/{run}.json")
            assert answer.headers["content-disposition"] == f'attachment; filename="run-{run}.json"'
            token = (tmp_path / "var" / "api.token").read_text().strip()
            api = await operator.client.get(f"/api/v1/runs/{run}", headers={"authorization": f"Bearer {token}"})
            assert answer.json() == api.json()

    asyncio.run(main())


def test_whatever_an_event_holds_is_shown_as_text(tmp_path: Path) -> None:
    async def main() -> None:
        pipeline = steps('do = "crash"\ntext = "{{ $.event.a }}"')
        async with (
            serve(tmp_path, {"x": pipeline}) as served,
            visitor(served) as operator,
            httpx.AsyncClient() as sender,
        ):
            body = json.dumps({"a": XSS, XSS: [XSS, 1.5, True, None, "x" * 1000]})
            await sender.post(f"{hook(served)}?{XSS}", content=body, headers={"x-tag": XSS, XSS[1:7]: XSS})
            (run,) = (await served.host.journal.search(Query())).runs
            await until(served.host, run.id)
            page = await operator.get(f"/runs/{run.id}")
            assert page.status_code == 200
            assert XSS not in page.text
            assert (await operator.get(f"/runs/{run.id}.json")).json()["event"]["data"]["a"] == XSS

    asyncio.run(main())


def test_half_a_character_breaks_neither_page_nor_download(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served) as operator:
            new = new_run(served.host.intake.now(), {"half": "\ud800"}, "x")
            await served.host.journal.accept([new])
            await until(served.host, new.id)
            assert r"\ud800" in (await operator.get(f"/runs/{new.id}")).text
            assert (await operator.get(f"/runs/{new.id}.json")).json()["event"]["data"] == {"half": "\ud800"}

    asyncio.run(main())


def test_a_held_run_says_why_it_is_not_carried_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": THREE}) as served, visitor(served, language="ru") as operator:
            await served.host.modes.set("x", Mode.HELD, "<b>ремонт</b>")
            run = await give(served.host, {"phone": "1"})
            page = await operator.get(f"/runs/{run}")
            assert "Отложена" in page.text
            assert "Операция продолжится, когда её запустят. Причина: &lt;b&gt;ремонт&lt;/b&gt;." in page.text
            assert '<a href="/pipelines/x">К обработке</a>' in page.text
            assert "Не начат" in page.text

    asyncio.run(main())


def _attempt(error: str, status: int | None = None, traceback: str | None = None) -> Attempt:
    exchange = Exchange("POST", "https://a.example/", (), "", status, (), "", 1.0)
    at = Clock().time
    return Attempt(0, "a", 1, at, 1.0, Outcome.FAILED, error, traceback, None, exchanges=(exchange,))


@pytest.mark.parametrize(
    ("attempt", "part"),
    [
        (_attempt("step a: crm answered 401", 401), "Check the secret"),
        (_attempt("step a: crm answered 403", 403), "rights of the key"),
        (_attempt("step a: crm answered 404", 404), "address of the step"),
        (_attempt("step a: crm answered 418", 418), "does not accept the data"),
        (_attempt("step a: crm answered 429", 429), "Too many requests"),
        (_attempt("step a: crm answered 502", 502), "service itself has failed"),
        (_attempt("step a: crm cannot be reached: connection refused"), "cannot be reached"),
        (_attempt("step a: no result within 30 s (the step's timeout)"), "took too long"),
        (
            _attempt("step a: 10.0.0.1 is not public; to allow it, put it into [http] allow in jackfield.toml"),
            "allow it",
        ),
        (_attempt("steps[0].url: $.event.id selects nothing; it has: a"), "filled in with this event"),
        (_attempt("step a: certificate verify failed"), "certificate"),
        (_attempt("step a: it broke", traceback="Traceback"), "action itself"),
    ],
)
def test_an_error_comes_with_what_to_do_about_it(attempt: Attempt, part: str) -> None:
    hint = attempt_hint(attempt)
    assert hint is not None
    assert part in hint


def test_a_service_that_failed_for_now_is_not_said_to_need_a_replay() -> None:
    hint = attempt_hint(replace(_attempt("step a: crm answered 502", 502), outcome=Outcome.RETRYING))
    assert hint is not None
    assert "by itself" in hint
    assert "eplay" not in hint


def test_a_tree_of_anything_is_finite() -> None:
    deep: object = 1
    for _ in range(400):
        deep = {"a": [deep]}
    tree = read_tree(deep)  # type: ignore[arg-type]
    depth = 0
    node: Node | None = tree
    while node:
        depth, node = depth + 1, node.children[0] if node.children else None
    assert depth < 50
    wide = read_tree([1] * 100_000)
    assert (len(wide.children) < 5000, wide.left_out + len(wide.children)) == (True, 100_000)
