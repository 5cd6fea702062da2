import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from jackfield.checks.scenario import read_scenario
from jackfield.web.server.serving import Served
from tests.journal.kit import new_run
from tests.support import Plugin, hook, serve, steps, until

TEXT = steps('name = "a"\ndo = "say"\ntext = "{{ $.event.n }}"', 'name = "b"\ndo = "{{ $.event.then }}"')
Test = Callable[[Served, httpx.AsyncClient], Awaitable[None]]


def with_api(folder: Path, test: Test, plugin: Plugin | None = None) -> None:
    async def main() -> None:
        async with serve(folder, {"x": TEXT}, plugin, secrets='TOKEN = "s3cret-value"\n') as served:
            token = (folder / "var" / "api.token").read_text(encoding="ascii").strip()
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False) as client:
                await test(served, client)

    asyncio.run(main())


async def call(served: Served, client: httpx.AsyncClient, **data: object) -> str:
    await client.post(hook(served), json={"n": "1", "then": "say", **data})
    id: str = (await client.get("/api/v1/runs")).json()["runs"][0]["id"]
    await until(served.host, id)
    return id


PATHS = ["pipelines", "pipelines/x", "runs", "runs/1", "refusals", "metrics", "nothing"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_nothing_is_told_without_the_token(tmp_path: Path, headers: dict[str, str]) -> None:
    async def test(served: Served, _client: httpx.AsyncClient) -> None:
        async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False) as stranger:
            for path in [*(f"/api/v1/{path}" for path in PATHS), "/metrics"]:
                answer = await stranger.get(path)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
            assert (await stranger.put("/api/v1/pipelines/x/mode", json={"mode": "stopped"})).status_code == 401
            assert (await stranger.get("/healthz")).status_code == 200
            assert (await stranger.get("/readyz")).status_code == 200

    with_api(tmp_path, test)


def test_pipelines_are_listed_with_mode_address_and_problems(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        [pipeline] = (await client.get("/api/v1/pipelines")).json()
        assert pipeline == (await client.get("/api/v1/pipelines/x")).json()
        assert (pipeline["id"], pipeline["mode"], pipeline["blocked"]) == ("x", "running", None)
        assert pipeline["address"].endswith(served.host.addresses.path("x", 1))

    with_api(tmp_path, test)


def test_a_mode_is_set_and_holds_at_once(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.put("/api/v1/pipelines/x/mode", json={"mode": "stopped", "reason": "holiday"})
        assert (answer.status_code, answer.json()["mode"], answer.json()["mode_reason"]) == (200, "stopped", "holiday")
        assert (await client.post(hook(served), json={})).status_code == 503
        [refusal] = (await client.get("/api/v1/refusals")).json()
        assert refusal["status"] == 503

    with_api(tmp_path, test)


def test_a_run_is_shown_with_every_attempt(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        id = await call(served, client, n="Анна")
        run = (await client.get(f"/api/v1/runs/{id}")).json()
        assert run["summary"]["state"] == "succeeded"
        assert [attempt["step"] for attempt in run["attempts"]] == ["a", "b"]
        assert run["attempts"][0]["result"] == {"said": "Анна"}

    with_api(tmp_path, test)


def test_runs_are_found_by_state_pipeline_and_time_and_come_in_pages(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        failed = await call(served, client, then="give_up")
        good = [await call(served, client) for _ in range(3)]
        found = (await client.get("/api/v1/runs", params={"state": "failed", "pipeline": "x"})).json()
        assert [run["id"] for run in found["runs"]] == [failed]
        first = (await client.get("/api/v1/runs", params={"limit": 2})).json()
        rest = (await client.get("/api/v1/runs", params={"limit": 2, "cursor": first["cursor"]})).json()
        assert [run["id"] for run in first["runs"] + rest["runs"]] == [*reversed(good), failed]
        several = await client.get("/api/v1/runs", params={"state": ["failed", "succeeded"]})
        assert len(several.json()["runs"]) == 4
        assert (await client.get("/api/v1/runs", params={"until": "2020-01-01T00:00:00Z"})).json()["runs"] == []

    with_api(tmp_path, test)


def test_a_failed_run_is_replayed_with_its_event_mended(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        failed = await call(served, client, then="give_up")
        body = {"event": {"n": "2", "then": "say"}}
        answer = await client.post(f"/api/v1/runs/{failed}/replay", json=body)
        assert answer.status_code == 201
        [id] = answer.json()["runs"]
        assert (await until(served.host, id)).summary.state == "succeeded"
        assert (await client.get(f"/api/v1/runs/{failed}")).json()["replays"] == [id]
        again = await client.post(f"/api/v1/runs/{failed}/replay", json={"from_step": "b", "on": "original"})
        assert (await until(served.host, again.json()["runs"][0])).summary.state == "failed"

    with_api(tmp_path, test)


def test_duplicates_and_refused_requests_come_in_pages(tmp_path: Path) -> None:
    text = TEXT.replace("[source]", '[source]\ndedupe = "{{ $.event.n }}"')

    async def test(served: Served, client: httpx.AsyncClient) -> None:
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        await client.put("/api/v1/pipelines/x/file", json={"text": text, "base": base})
        run = await call(served, client)
        for _ in range(3):
            await client.post(hook(served), json={"n": "1", "then": "say"})
            await client.post(hook(served), content=b"no JSON")
        for path, key in (("duplicates", "number"), ("refusals", "id")):
            newest = (await client.get(f"/api/v1/{path}", params={"limit": 2})).json()
            oldest = (await client.get(f"/api/v1/{path}", params={"before": newest[-1][key]})).json()
            assert len({one[key] for one in newest + oldest}) == 3
            assert (await client.get(f"/api/v1/{path}", params={"pipeline": "y"})).json() == []
        assert {one["run"] for one in (await client.get("/api/v1/duplicates")).json()} == {run}

    with_api(tmp_path, test)


def test_a_viewers_token_sees_duplicates_without_what_the_pipeline_masks(tmp_path: Path) -> None:
    text = TEXT.replace("[source]", 'mask = ["$.event.n"]\n[source]\ndedupe = "{{ $.event.n }}"')

    async def test(served: Served, client: httpx.AsyncClient) -> None:
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        await client.put("/api/v1/pipelines/x/file", json={"text": text, "base": base})
        for _ in range(2):
            await client.post(hook(served), json={"n": "Анна", "then": "say"})
        token = (await client.post("/api/v1/tokens", json={"name": "report", "role": "viewer"})).json()["token"]
        [full] = (await client.get("/api/v1/duplicates")).json()
        [seen] = (await client.get("/api/v1/duplicates", headers={"authorization": f"Bearer {token}"})).json()
        assert full["event"]["data"]["n"] == "Анна"
        assert seen["event"]["data"] == {"n": "***", "then": "say"}

    with_api(tmp_path, test)


def test_a_run_is_saved_as_a_test(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        run = await call(served, client)
        saved = [await client.post(f"/api/v1/runs/{run}/test", json=body) for body in ({}, {}, {"name": "mine"})]
        assert [answer.json()["file"] for answer in saved] == ["tests/x.toml", "tests/x-2.toml", "tests/mine.toml"]
        assert read_scenario("mine", tmp_path / "tests" / "mine.toml").run == run
        for body, status in (({"name": "mine"}, 409), ({"name": "../x"}, 422)):
            assert (await client.post(f"/api/v1/runs/{run}/test", json=body)).status_code == status
        assert (await client.post("/api/v1/runs/none/test", json={})).status_code == 404

    with_api(tmp_path, test)


def test_half_a_character_is_written_as_json_can(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        new = new_run(served.host.intake.now(), {"half": "\ud800"}, "x")
        await served.host.journal.accept([new])
        assert (await client.get(f"/api/v1/runs/{new.id}")).json()["event"]["data"] == {"half": "\ud800"}

    with_api(tmp_path, test)


def test_a_held_run_is_cancelled(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await client.put("/api/v1/pipelines/x/mode", json={"mode": "held"})
        await client.post(hook(served), json={})
        id = (await client.get("/api/v1/runs")).json()["runs"][0]["id"]
        assert (await client.post(f"/api/v1/runs/{id}/cancel")).json() == {"cancelled": True}
        assert (await client.post(f"/api/v1/runs/{id}/cancel")).json() == {"cancelled": False}

    with_api(tmp_path, test)


@pytest.mark.parametrize(
    ("call", "body", "status", "error"),
    [
        ("GET runs/nope", b"", 404, "there is no run nope"),
        ("GET pipelines/nope", b"", 404, "there is no pipeline nope"),
        ("POST runs/nope/replay", b"{}", 404, "there is no run and no refused request nope"),
        ("GET runs?limit=0", b"", 422, "limit: must be at least 1"),
        ("GET runs?state=lost", b"", 422, "state[0]: must be one of"),
        ("GET runs?stat=failed", b"", 422, 'stat: is not known here; did you mean "state"?'),
        ("GET runs?cursor=nonsense", b"", 422, "cursor"),
        ("PUT pipelines/x/mode", b'{"mode": "on"}', 422, "mode: must be one of"),
        ("PUT pipelines/x/mode", b"{", 422, "the body is not JSON"),
        ("PUT pipelines/x/mode", b"[]", 422, "body: "),
        ("POST runs/x/replay", b'{"on": "latest"}', 422, "on: must be one of 'original' or 'current'"),
    ],
)
def test_wrong_use_is_answered_with_one_readable_sentence(
    tmp_path: Path, call: str, body: bytes, status: int, error: str
) -> None:
    method, path = call.split()

    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.request(method, f"/api/v1/{path}", content=body)
        assert answer.status_code == status, answer.text
        assert error in answer.json()["error"]

    with_api(tmp_path, test)


def test_metrics_count_what_happened(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await call(served, client)
        await client.get(hook(served))
        page = (await client.get("/metrics")).text
        assert 'jackfield_events_accepted_total{pipeline="x"} 1.0' in page
        assert 'jackfield_requests_refused_total{pipeline="x",status="405"} 1.0' in page
        assert 'jackfield_attempt_seconds_count{outcome="succeeded",pipeline="x",step="a"} 1.0' in page
        assert "jackfield_journal_bytes" in page

    with_api(tmp_path, test)


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        ("GET nothing", 404, "/api/v1/nothing is not a path of the API"),
        ("GET runs/", 404, "/api/v1/runs/ is not a path of the API"),
        ("GET runs/1/nothing", 404, "/api/v1/runs/1/nothing is not a path of the API"),
        ("DELETE runs", 405, "/api/v1/runs does not take DELETE"),
        ("GET runs/1/replay", 405, "/api/v1/runs/1/replay does not take GET"),
    ],
)
def test_an_unknown_path_and_a_wrong_method_are_answered_in_json(
    tmp_path: Path, call: str, status: int, error: str
) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        method, path = call.split()
        answer = await client.request(method, f"/api/v1/{path}")
        assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert ("allow" in answer.headers) == (status == 405)

    with_api(tmp_path, test)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_of_the_token_may_be_written_in_either_case(tmp_path: Path, scheme: str) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        token = (tmp_path / "var" / "api.token").read_text(encoding="ascii").strip()
        answer = await client.get("/api/v1/runs", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200
        assert (await client.get("/api/v1/runs", headers={"Authorization": f"Basic {token}"})).status_code == 401

    with_api(tmp_path, test)


def test_a_damaged_file_of_tokens_opens_no_door_and_closes_none_to_the_hosts_own_token(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        (served.host.project.var / "tokens.json").write_text("{", encoding="utf-8")
        answer = await client.get("/api/v1/pipelines", headers={"Authorization": "Bearer another"})
        assert answer.status_code == 503
        assert "tokens.json" in answer.json()["error"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert (await client.get("/api/v1/pipelines")).status_code == 200

    with_api(tmp_path, test)
