"""What only operators' programs do: secrets, users, tokens; and what the host says of itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from jackfield import Action, NoticeKind, PermanentFailure, hookimpl
from jackfield.access.tokens import Tokens
from jackfield.access.users import Role, Users
from jackfield.components.plugins.registry import Registry
from jackfield.web.api.application import api_endpoints
from jackfield.web.auth.password_check import AT_ONCE
from jackfield.web.server.serving import Served, serving
from tests.notices.test_watch import NoticePlugin
from tests.support import Plugin, make_project
from tests.web.api.test_application import TEXT, with_api
from tests.web.site import visitor

PASSWORD = "correct horse battery"


def test_a_secret_is_set_used_and_deleted_and_never_told(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.put("/api/v1/secrets/NEW", json={"value": "new-value"})).status_code == 204
        text = TEXT.replace("{{ $.event.n }}", "{{ secret.NEW }}")
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        assert (await client.put("/api/v1/pipelines/x/file", json={"text": text, "base": base})).status_code == 200
        listed = await client.get("/api/v1/secrets")
        new, token = listed.json()
        places = {"in_file": True, "in_environment": False, "in_settings": False}
        assert new == {"name": "NEW", "pipelines": ["x"], **places}
        assert (token["name"], token["pipelines"]) == ("TOKEN", [])
        assert not any(value in listed.text for value in ("new-value", "s3cret-value"))
        assert (tmp_path / "secrets.toml").stat().st_mode & 0o777 == 0o600
        assert (await client.delete("/api/v1/secrets/NEW")).status_code == 204
        assert (await client.get("/api/v1/secrets")).json()[0]["in_file"] is False
        gone = await client.delete("/api/v1/secrets/NEW")
        assert (gone.status_code, gone.json()) == (404, {"error": "there is no secret NEW in secrets.toml"})

    with_api(tmp_path, test)


def test_users_are_added_changed_and_removed(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        users = Users(served.host.project.var)
        body = {"name": "anna", "password": PASSWORD, "role": "operator"}
        added = await client.post("/api/v1/users", json=body)
        assert (added.status_code, added.json()) == (201, {"name": "anna", "role": "operator"})
        assert (await client.post("/api/v1/users", json=body)).status_code == 409
        last = await client.put("/api/v1/users/anna/role", json={"role": "viewer"})
        assert (last.status_code, "last operator" in last.json()["error"]) == (409, True)
        await client.post("/api/v1/users", json={**body, "name": "boris"})
        assert (await client.put("/api/v1/users/anna/role", json={"role": "viewer"})).json()["role"] == "viewer"
        assert (await client.put("/api/v1/users/anna/password", json={"password": PASSWORD[::-1]})).status_code == 204
        assert users.verified("anna", PASSWORD[::-1]) is not None
        assert (await client.delete("/api/v1/users/anna")).status_code == 204
        assert (await client.get("/api/v1/users")).json() == [{"name": "boris", "role": "operator"}]
        assert (await client.delete("/api/v1/users/boris")).status_code == 409
        assert (await client.delete("/api/v1/users/boris", params={"even_last": "true"})).status_code == 204
        assert users.all() == []

    with_api(tmp_path, test)


def test_pages_and_api_together_hash_no_more_passwords_at_a_time_than_the_host_can_bear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, now, gate = [0], [0], threading.Event()

    def slowly(_users: Users, *_given: object) -> None:
        now[0] += 1
        at_once[0] = max(at_once[0], now[0])
        gate.wait(0.1)
        now[0] -= 1

    async def test(served: Served, client: httpx.AsyncClient) -> None:
        monkeypatch.setattr(Users, "verified", slowly)
        monkeypatch.setattr(Users, "set_password", slowly)
        async with visitor(served, None) as stranger:
            logins = (stranger.post("/login", {"name": f"u{number}", "password": "x"}) for number in range(4))
            passwords = (
                client.put(f"/api/v1/users/u{number}/password", json={"password": PASSWORD}) for number in range(4)
            )
            answers = await asyncio.gather(*logins, *passwords)
        assert [answer.status_code for answer in answers] == [403] * 4 + [204] * 4

    with_api(tmp_path, test)
    assert at_once == [AT_ONCE]


def test_a_token_is_made_used_and_revoked(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        made = await client.post("/api/v1/tokens", json={"name": "CRM / 1", "role": "viewer"})
        assert made.status_code == 201
        token = {"authorization": f"Bearer {made.json()['token']}"}
        assert (await client.get("/api/v1/runs", headers=token)).status_code == 200
        listed = await client.get("/api/v1/tokens")
        assert [(one["name"], one["role"]) for one in listed.json()] == [("CRM / 1", "viewer")]
        assert "sha256" not in listed.text
        again = await client.post("/api/v1/tokens", json={"name": "CRM / 1", "role": "viewer"})
        assert (again.status_code, again.json()["error"]) == (409, "there is a token of this name already")
        revoked = [await client.delete("/api/v1/tokens", params={"name": "CRM / 1"}) for _ in range(2)]
        assert [answer.status_code for answer in revoked] == [204, 404]
        assert (await client.get("/api/v1/runs", headers=token)).status_code == 401

    with_api(tmp_path, test)


def test_the_host_says_how_it_is(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        found = (await client.get("/api/v1/health")).json()
        assert (found["backlog"]["oldest"], found["size"] > 0) == (None, True)
        told = {trouble["kind"]: trouble for trouble in found["troubles"]}
        assert told["notices-note"]["title"] == "Nobody is told when runs fail"
        assert told["notices-note"]["advice"].startswith("Add a table such as [notices.email] to jackfield.toml")

    with_api(tmp_path, test)


def test_the_mistakes_of_the_project_are_named_without_secrets(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/check")).json() == {"problems": [], "warnings": [], "pipelines": 1}
        (tmp_path / "pipelines" / "y.toml").write_text('[source]\nuse = "s3cret-value"\n', encoding="utf-8")
        (tmp_path / "jackfield.toml").write_text("[server]\nprot = 1\n[notices.pigeon]\n", encoding="utf-8")
        token = {"authorization": f"Bearer {Tokens(served.host.project.var).make('report', Role.VIEWER)}"}
        answer = await client.get("/api/v1/check", headers=token)
        assert "s3cret-value" not in answer.text
        found = [(one["file"], one["line"], one["key"]) for one in answer.json()["problems"]]
        assert found == [
            ("jackfield.toml", 2, "server.prot"),
            ("pipelines/y.toml", 0, "steps"),
            ("pipelines/y.toml", 2, "source.use"),
        ]

    with_api(tmp_path, test)


def test_a_plugin_is_described_with_its_options_and_only_operators_see_where_it_failed(tmp_path: Path) -> None:
    class Broken:
        @hookimpl
        def register_actions(self) -> Iterable[type[Action[Any]]]:
            raise LookupError

    async def main() -> None:
        registry, project = Registry.of(Plugin(), Broken()), make_project(tmp_path, {})
        async with serving(project, {}, registry=registry) as served, httpx.AsyncClient(base_url=served.url) as client:
            tokens = Tokens(project.var)
            operator, viewer = (
                {"authorization": f"Bearer {tokens.make(role.value, role)}"} for role in (Role.OPERATOR, Role.VIEWER)
            )
            works, fails = (await client.get("/api/v1/plugins", headers=viewer)).json()
            path = f"/api/v1/plugins/{quote(works['module'], safe='')}"
            described = (await client.get(path, headers=viewer)).json()
            assert {key: described[key] for key in works} == works
            [act] = [one for one in described["components"] if one["name"] == "act"]
            assert (act["kind"], act["title"]) == ("action", "Act")
            assert [(one["name"], one["type"], one["default"]) for one in act["options"]] == [
                ("do", "string", "required"),
                ("text", "string", '""'),
            ]
            path = f"/api/v1/plugins/{quote(fails['module'], safe='')}"
            assert "LookupError" in (await client.get(path, headers=operator)).json()["traceback"]
            assert (await client.get(path, headers=viewer)).json()["traceback"] is None
            assert (await client.get("/api/v1/plugins/none", headers=viewer)).status_code == 404

    asyncio.run(main())


def test_a_test_notice_is_sent_with_what_the_host_started_with(tmp_path: Path) -> None:
    plugin = NoticePlugin()

    async def main() -> None:
        settings = "[server]\nport = 0\n[notices]\nlanguage = 'ru'\n[notices.recorder]\n[notices.pigeon]\n"
        project = make_project(tmp_path, {}, settings)
        async with serving(project, {}, registry=Registry.of(plugin)) as served:
            (tmp_path / "jackfield.toml").write_text("[server]\nport = 0\n", encoding="utf-8")
            headers = {"authorization": f"Bearer {Tokens(project.var).make('operator', Role.OPERATOR)}"}
            async with httpx.AsyncClient(base_url=served.url, headers=headers) as client:
                plugin.recorder.failures = [PermanentFailure("nobody is there")]
                answers = [(await client.post("/api/v1/notices/test", json={})).json() for _ in range(2)]
        failed, delivered = answers
        assert failed["notifiers"] == [{"name": "recorder", "error": "not delivered: nobody is there"}]
        assert delivered["notifiers"] == [{"name": "recorder", "error": None}]
        assert [problem["key"] for problem in failed["problems"]] == ["notices.pigeon"]
        assert [(notice.kind, notice.subject) for notice in plugin.told] == [(NoticeKind.TEST, "Jackfield: проверка")]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("call", "body", "status", "error"),
    [
        ("POST notices/test", {}, 409, "nobody is told anything: write a table such as [notices.email]"),
        ("POST notices/test", {"notifier": "pigeon"}, 404, "jackfield.toml has no [notices.pigeon]"),
        ("PUT secrets/a-b", {"value": "x"}, 422, "a secret's name has only Latin letters"),
        ("PUT secrets/A", {"value": ""}, 422, "value: must not be empty"),
        ("PUT secrets/A", {}, 422, "value: is required"),
        ("POST users", {"name": "a b", "password": PASSWORD, "role": "viewer"}, 422, "a user's name has letters"),
        ("POST users", {"name": "a", "password": "short", "role": "viewer"}, 422, "10 characters or more"),
        ("POST users", {"name": "a", "password": PASSWORD, "role": "root"}, 422, "role: must be one of"),
        ("PUT users/none/role", {"role": "viewer"}, 404, "there is no user of this name"),
        ("PUT users/none/password", {"password": PASSWORD}, 404, "there is no user of this name"),
        ("DELETE users/none", {}, 404, "there is no user of this name"),
        ("POST tokens", {"name": " ", "role": "viewer"}, 422, "1 to 60 printable characters"),
        ("DELETE tokens", {}, 422, "name: is required"),
    ],
)
def test_wrong_use_is_answered_with_one_readable_sentence(
    tmp_path: Path, call: str, body: object, status: int, error: str
) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        method, path = call.split()
        answer = await client.request(method, f"/api/v1/{path}", json=body)
        assert (answer.status_code, error in answer.json()["error"]) == (status, True), answer.text
        assert PASSWORD not in answer.text

    with_api(tmp_path, test)


def test_what_operators_look_at_is_not_for_a_viewers_token(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        token = {"authorization": f"Bearer {Tokens(served.host.project.var).make('report', Role.VIEWER)}"}
        for one in api_endpoints():
            answer = await client.request(one.method, f"/api/v1{one.path}", headers=token)
            closed = one.method != "GET" or one.secret
            assert (answer.status_code == 403) is closed, f"{one.method} {one.path}: {answer.text}"
        closed_paths = {one.path for one in api_endpoints() if one.secret}
        operators = {"/secrets", "/users", "/tokens", "/jobs", "/jobs/{id}", "/audit", "/audit/check"}
        assert closed_paths == operators | {"/pipelines/{id}/address", "/pipelines/{id}/file"}

    with_api(tmp_path, test)
