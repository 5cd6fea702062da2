"""API tokens: made and revoked on a page, and what they let a program do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.journal.views import Query
from jackfield.web.api.application import api_endpoints
from jackfield.web.server.serving import Served
from tests.support import hook, serve, steps, until
from tests.web.site import Visitor, visitor

X = {"x": steps('do = "say"\ntext = "{{ $.event.phone }}"', head='mask = ["$.event.phone"]')}
PHONE = "+7 999 123-45-67"
HOSTILE = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}"
Story = Callable[[Served, Visitor], Awaitable[None]]


def visit(folder: Path, story: Story) -> None:
    async def main() -> None:
        async with serve(folder, X) as served, visitor(served) as operator:
            await story(served, operator)

    asyncio.run(main())


async def make(operator: Visitor, name: str, role: str) -> str:
    answer = await operator.post("/tokens", {"name": name, "role": role}, seen_on="/tokens")
    assert answer.status_code == 201, answer.text
    found = re.search(r"jackfield_[\w-]{43}", answer.text)
    assert found is not None
    return found[0]


def program(served: Served, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{served.url}/api/v1", headers={"authorization": f"Bearer {token}"}, timeout=20)


def filled(served: Served, path: str, run: str) -> str:
    """Name in a path what is there."""
    pipeline = served.host.pipelines.get("x")
    assert pipeline is not None
    path = path.replace("{version}", pipeline.version).replace("{module}", "Plugin")
    return path.replace("{id}", run if path.startswith("/runs") else "x")


def test_a_token_is_shown_once_works_and_is_revoked(tmp_path: Path) -> None:
    async def story(served: Served, operator: Visitor) -> None:
        assert "No token has been made yet." in (await operator.get("/tokens")).text
        token = await make(operator, "CRM", "operator")
        listed = (await operator.get("/tokens")).text
        assert ("CRM" in listed, token in listed, "not yet" in listed) == (True, False, True)
        async with program(served, token) as crm:
            assert (await crm.get("/runs")).status_code == 200
            assert (await crm.put("/pipelines/x/mode", json={"mode": "held"})).is_success
            assert "not yet" not in (await operator.get("/tokens")).text
            revoked = await operator.post("/tokens/revoke", {"name": "CRM"}, seen_on="/tokens")
            assert (revoked.status_code, revoked.headers["location"]) == (303, "/tokens?revoked")
            assert "The token is revoked." in (await operator.get("/tokens?revoked")).text
            assert (await crm.get("/runs")).status_code == 401
        again = await operator.post("/tokens/revoke", {"name": "CRM"}, seen_on="/tokens")
        assert (again.status_code, "There is no such token any more." in again.text) == (404, True)

    visit(tmp_path, story)


def test_a_mistake_is_said_in_place(tmp_path: Path) -> None:
    mistakes = {
        "A token’s name has 1 to 60 characters.": {"name": " "},
        "There is a token of this name already.": {"name": "CRM"},
        "Choose a role": {"role": "root"},
    }

    async def story(served: Served, operator: Visitor) -> None:
        Tokens(served.host.project.var).make("CRM", Role.VIEWER)
        for complaint, form in mistakes.items():
            answer = await operator.post("/tokens", {"name": "new", "role": "viewer", **form}, seen_on="/tokens")
            assert (answer.status_code, complaint in answer.text) == (422, True)
        assert len(Tokens(served.host.project.var).all()) == 1

    visit(tmp_path, story)


def test_a_hostile_name_is_only_text(tmp_path: Path) -> None:
    async def story(_served: Served, operator: Visitor) -> None:
        name = HOSTILE[:60]
        made = await operator.post("/tokens", {"name": name, "role": "viewer"}, seen_on="/tokens")
        for text in (made.text, (await operator.get("/tokens")).text):
            assert "<img src=x" not in text
            assert "&lt;img src=x" in text
            assert "{{ 7*7 }}" in text
        assert (await operator.post("/tokens/revoke", {"name": name}, seen_on="/tokens")).status_code == 303

    visit(tmp_path, story)


def test_a_viewers_token_looks_at_everything_and_changes_nothing(tmp_path: Path) -> None:
    async def story(served: Served, operator: Visitor) -> None:
        await operator.client.post(hook(served), json={"phone": PHONE})
        run = (await served.host.journal.search(Query())).runs[0].id
        await until(served.host, run)
        async with program(served, await make(operator, "report", "viewer")) as report:
            for one in api_endpoints():
                path = filled(served, one.path, run)
                answer = await report.request(one.method, path, json={} if one.method != "GET" else None)
                if one.method == "GET":
                    assert answer.status_code in {200, 403}, path
                else:
                    assert (answer.status_code, "viewer" in answer.json()["error"]) == (403, True), path
            metrics = await report.get(f"{served.url}/metrics")
            assert metrics.status_code == 200
            for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
                assert (await report.request(method, "/nothing")).status_code == 403
        assert served.host.modes.get("x").mode == "running"

    visit(tmp_path, story)


def test_a_viewers_token_does_not_see_what_the_pipeline_masks_nor_the_webhooks_address(tmp_path: Path) -> None:
    async def story(served: Served, operator: Visitor) -> None:
        await operator.client.post(hook(served), json={"phone": PHONE})
        run = (await served.host.journal.search(Query())).runs[0].id
        await until(served.host, run)
        await operator.client.post(hook(served), content=b"no JSON " + PHONE.encode())
        secret = served.host.addresses.token("x", 1)
        viewers, operators = await make(operator, "report", "viewer"), await make(operator, "CRM", "operator")
        async with program(served, viewers) as report, program(served, operators) as crm:
            for one in api_endpoints():
                if one.method == "GET":
                    path = filled(served, one.path, run)
                    text = (await report.get(path)).text
                    assert "123-45-67" not in text, path
                    assert secret not in text, path
            assert PHONE in (await crm.get(f"/runs/{run}")).text
            assert PHONE in (await crm.get("/refusals")).text
            assert secret in (await crm.get("/pipelines/x")).text
            assert secret in (await crm.get("/pipelines/x/address")).text
            assert (await report.get("/pipelines/x/address")).status_code == 403
            for search in ("999", "+7"):
                assert not (await report.get("/runs", params={"search": search})).is_success, "a match would tell"

    visit(tmp_path, story)


def test_only_a_whole_token_in_its_place_lets_in(tmp_path: Path) -> None:
    async def story(served: Served, _operator: Visitor) -> None:
        token = Tokens(served.host.project.var).make("CRM", Role.OPERATOR)
        wrong = (
            "",
            "Bearer",
            "Bearer x",
            f"Basic {token}",
            f"Bearer {token}x",
            token,
            f"bearer\t{token}",
            f"Bearer ё{token}",
        )
        async with httpx.AsyncClient(base_url=served.url) as stranger:
            for header in wrong:
                answer = await stranger.get("/api/v1/runs", headers={b"authorization": header.encode()})
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), header
            assert (await stranger.get(f"/api/v1/runs?token={token}")).status_code == 401
            good = {"authorization": f"bearer {token}"}
            assert (await stranger.get("/api/v1/runs", headers=good)).status_code == 200
            assert (await stranger.get("/", headers=good)).status_code == 303, "a token opens no page"

    visit(tmp_path, story)
