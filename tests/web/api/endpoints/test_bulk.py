"""What is done to many runs at once, by the API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.web.server.serving import Served
from tests.web.api.test_application import call as call_hook
from tests.web.api.test_application import with_api


async def reached(client: httpx.AsyncClient, job: str, phase: str) -> Any:
    """Ask for a job until it is in a phase."""
    async with asyncio.timeout(20):
        while True:
            report = (await client.get(f"/api/v1/jobs/{job}")).json()
            if report["phase"] == phase:
                return report
            await asyncio.sleep(0.01)


def test_all_runs_that_match_are_replayed(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        for then in ("give_up", "give_up", "say"):
            await call_hook(served, client, then=then)
        body = {"deed": "replay", "matching": {"state": ["failed"]}, "from_failed": True}
        answer = await client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        job = answer.json()["id"]
        assert (await reached(client, job, "asked"))["runs"] == 2
        assert (await client.post(f"/api/v1/jobs/{job}/start")).status_code == 200
        done = await reached(client, job, "done")
        assert (done["done"], done["failed"], done["from_failed"]) == (2, 0, True)
        assert [one["id"] for one in (await client.get("/api/v1/jobs")).json()] == [job]
        assert len((await client.get("/api/v1/runs")).json()["runs"]) == 5

    with_api(tmp_path, test)


def test_named_runs_are_cancelled_and_it_is_said_which_could_not(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        run = await call_hook(served, client)
        made = (await client.post("/api/v1/jobs", json={"deed": "cancel", "runs": [run, "none"]})).json()
        assert (made["phase"], made["runs"]) == ("asked", 2)
        await client.post(f"/api/v1/jobs/{made['id']}/start")
        done = await reached(client, made["id"], "done")
        assert (done["done"], done["failed"]) == (0, 2)
        assert [one["run"] for one in done["failures"]] == [run, "none"]

    with_api(tmp_path, test)


def test_a_job_says_whose_token_has_asked_for_it(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        made = Tokens(served.host.project.var).make("CRM / 1", Role.OPERATOR)
        body, token = {"deed": "cancel", "runs": ["none"]}, {"authorization": f"Bearer {made}"}
        answers = [await client.post("/api/v1/jobs", json=body, headers=headers) for headers in (token, {})]
        assert [answer.json()["asked_by"] for answer in answers] == ["token CRM / 1", "var/api.token"]

    with_api(tmp_path, test)


def test_a_job_is_stopped(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        made = (await client.post("/api/v1/jobs", json={"deed": "retry", "runs": ["none"]})).json()
        assert (await client.post(f"/api/v1/jobs/{made['id']}/stop")).json()["phase"] == "stopped"
        assert (await client.post(f"/api/v1/jobs/{made['id']}/start")).json()["phase"] == "stopped"

    with_api(tmp_path, test)


@pytest.mark.parametrize(
    ("call", "body", "status", "error"),
    [
        ("POST jobs", {"deed": "cancel"}, 422, "say which runs: either `runs` or `matching`"),
        ("POST jobs", {"deed": "cancel", "runs": ["1"], "matching": {}}, 422, "say which runs"),
        ("POST jobs", {"deed": "cancel", "runs": []}, 422, "runs: must have 1 or more entries"),
        ("POST jobs", {"deed": "forget", "runs": ["1"]}, 422, "deed: must be one of"),
        ("POST jobs", {"deed": "cancel", "matching": {"since": 433}}, 422, "matching.since: "),
        ("POST jobs", {"deed": "cancel", "runs": ["1"], "from_failed": "yes"}, 422, "must be true or false"),
        ("GET jobs/none", {}, 404, "there is no job none"),
        ("POST jobs/none/start", {}, 404, "there is no job none"),
        ("POST jobs/none/stop", {}, 404, "there is no job none"),
    ],
)
def test_wrong_use_is_answered_with_one_readable_sentence(
    tmp_path: Path, call: str, body: object, status: int, error: str
) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        method, path = call.split()
        answer = await client.request(method, f"/api/v1/{path}", json=body)
        assert (answer.status_code, error in answer.json()["error"]) == (status, True), answer.text

    with_api(tmp_path, test)
