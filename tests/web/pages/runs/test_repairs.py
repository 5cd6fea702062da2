"""Failed runs that somebody has seen to: what the pages, the API and the metrics say of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from jackfield.access.users import Role
from jackfield.checks.health import Clock, health_report
from jackfield.journal.audit import AuditAction, AuditQuery
from jackfield.journal.records import SetAside, State
from jackfield.notices.notifiers import NotifierStatus
from jackfield.web.server.serving import Served
from tests.support import Plugin, give, serve, steps, until
from tests.web.api.test_application import call, with_api
from tests.web.browserless import form_of
from tests.web.pages.pipelines.test_pipelines import words
from tests.web.site import visitor

BAD = steps('name = "first"\ndo = "say"', 'name = "second"\ndo = "give_up"\ntext = "no"')
GOOD = BAD.replace("give_up", "say")


async def failed(served: Served) -> str:
    run = await give(served.host, {"n": 1})
    await until(served.host, run, [State.FAILED])
    return run


async def mend(served: Served) -> None:
    (served.host.project.folder / "pipelines" / "x.toml").write_text(GOOD)
    await served.host.reload()


def test_a_replay_begins_at_the_failed_step_unless_told_otherwise_and_each_run_leads_to_the_other(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with serve(tmp_path, {"x": BAD}, plugin) as served, visitor(served) as operator:
            run = await failed(served)
            await mend(served)
            form = form_of((await operator.get(f"/runs/{run}")).text, "replay-form")
            assert form["from_step"] == ["second"]
            answer = await operator.post(f"/runs/{run}/replay", {key: values[0] for key, values in form.items()})
            new, _, rest = answer.headers["location"].removeprefix("/runs/").partition("?")
            assert rest == "done=replayed#run", "the page opens at what was made, not at its form"
            await until(served.host, new, [State.SUCCEEDED])
            assert len(plugin.calls) == 3
            made = (await operator.get(f"/runs/{new}?done=replayed")).text
            assert f'<a href="/runs/{run}">To the run that it replays</a>' in made
            origin = (await operator.get(f"/runs/{run}")).text
            assert "A replay has repaired it." in origin
            assert f'<a href="/runs/{new}">To the run that did</a>' in origin
            assert "Failed · repaired" in " ".join(origin.split())

    asyncio.run(main())


def test_a_replay_begins_at_the_beginning_where_no_step_has_succeeded(tmp_path: Path) -> None:
    async def main() -> None:
        text = steps('name = "only"\ndo = "give_up"\ntext = "no"')
        async with serve(tmp_path, {"x": text}) as served, visitor(served) as operator:
            page = (await operator.get(f"/runs/{await failed(served)}")).text
            assert form_of(page, "replay-form")["from_step"] == [""]

    asyncio.run(main())


def test_an_operator_sets_a_failed_run_aside_with_a_note_and_takes_that_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            run = await failed(served)
            answer = await operator.post(f"/runs/{run}/set-aside", {"note": "<b>a test order</b>"})
            page = (await operator.get(answer.headers["location"])).text
            for text in ("The run is set aside", "operator set it aside on", "&lt;b&gt;a test order&lt;/b&gt;"):
                assert text in page
            assert ">1 failed<" not in (await operator.get("/")).text
            [entry, *_] = await served.host.journal.audit(AuditQuery())
            assert (entry.action, entry.target) == (AuditAction.RUN_SET_ASIDE, run)
            assert entry.detail == "<b>a test order</b>"
            async with visitor(served, Role.VIEWER) as viewer:
                assert (await viewer.post(f"/runs/{run}/take-back", {})).status_code == 403
            await operator.post(f"/runs/{run}/take-back", {})
            assert ">1 failed<" in (await operator.get("/")).text
            await mend(served)
            well = await give(served.host, {"n": 2})
            await until(served.host, well)
            refused = await operator.post(f"/runs/{well}/set-aside", {})
            assert (refused.status_code, "nothing to set aside" in refused.text) == (409, True)

    asyncio.run(main())


def test_the_first_page_and_the_pipelines_page_count_only_failures_that_stand(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            runs = [await failed(served) for _ in range(3)]
            await served.host.journal.set_aside(runs[0], SetAside(datetime.now(UTC), "anna"))
            assert "2 failed" in (await operator.get("/")).text
            listed = (await operator.get("/runs?state=failed")).text
            assert [run in listed for run in runs] == [False, True, True]
            journal = (await operator.get("/runs")).text
            assert all(run in journal for run in runs), "the journal itself hides nothing"
            page = (await operator.get("/pipelines/x")).text
            assert '<a href="/runs?pipeline=x&amp;state=failed">2</a>' in page
            assert '<a href="/runs?pipeline=x&amp;state=failed&amp;repaired=1">1</a>' in page
            assert '<span class="badge failed">Failed</span>\n 2</li>' in page, "at its step"

    asyncio.run(main())


def test_the_api_sets_aside_and_lists_what_stands(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        run = await call(served, client, then="give_up")
        path = f"/api/v1/runs/{run}"
        assert 'jackfield_failed_runs{pipeline="x"} 1.0' in (await client.get("/metrics")).text
        assert (await client.put(f"{path}/set-aside", json={"note": "spam"})).status_code == 204
        summary = (await client.get(path)).json()["summary"]
        assert (summary["state"], summary["set_aside"]["note"]) == ("failed", "spam")
        assert (await client.get("/api/v1/runs?state=failed")).json()["runs"] == []
        assert len((await client.get("/api/v1/runs?state=failed&repaired=true")).json()["runs"]) == 1
        [activity] = (await client.get("/api/v1/activity")).json()
        assert (activity["failed"], activity["repaired"], activity["states"]) == (0, 1, {"failed": 1})
        assert "jackfield_failed_runs{" not in (await client.get("/metrics")).text
        assert (await client.delete(f"{path}/set-aside")).status_code == 204
        assert len((await client.get("/api/v1/runs?state=failed")).json()["runs"]) == 1
        assert (await client.put("/api/v1/runs/none/set-aside", json={})).status_code == 404
        well = await call(served, client)
        answer = await client.put(f"/api/v1/runs/{well}/set-aside", json={})
        assert (answer.status_code, "has not failed" in answer.json()["error"]) == (409, True)

    with_api(tmp_path, test)


def test_health_is_not_well_while_failures_stand_and_nobody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            run = await failed(served)
            kind = type(served.host.notices.notifiers)
            page = (await operator.get("/health")).text
            assert "All is well" not in page
            assert "Runs have failed, and nobody is told" in page
            assert "Nobody is told when runs fail" not in page, "it is said once"
            assert '<a href="/runs?pipeline=x&amp;state=failed">' in page
            assert "1 failed run" in words(page)
            monkeypatch.setattr(kind, "statuses", [NotifierStatus("email", 1, datetime.now(UTC), "no")])
            assert "failures" in [one.kind for one in (await health_report(served.host, None, Clock())).troubles]
            monkeypatch.setattr(kind, "statuses", [NotifierStatus("email", 0, None, "")])
            found = {one.kind: one for one in (await health_report(served.host, None, Clock())).troubles}
            assert (found["failures-note"].urgent, found["failures-note"].detail) == (False, "x: 1")
            await served.host.journal.set_aside(run, SetAside(datetime.now(UTC), "anna"))
            assert "All is well" in (await operator.get("/health")).text

    asyncio.run(main())
