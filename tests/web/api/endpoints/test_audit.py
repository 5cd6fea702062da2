"""Who did what, from where, and when: every deed leaves an entry, and no entry holds a secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.journal.audit import AuditEntry, AuditQuery
from jackfield.runs.jobs import Phase
from jackfield.web.api.application import api_endpoints
from jackfield.web.auth.page_access import DeedRoute
from jackfield.web.pages.site import page_routes
from jackfield.web.server.serving import Served
from tests.support import give, hook, serve, steps, until
from tests.web.pages.pipelines.test_pipelines import read, words
from tests.web.site import PASSWORD, somebody, visitor

TEXT = steps('do = "say"\ntext = "{{ $.event.n }}"')
NO_DEED = {
    "make_job": "it does nothing before it is started",
    "check_text": "it changes nothing",
    "put_file": "the file's change is noted",
    "restore_version": "the file's change is noted",
    "delete_file": "the file's change is noted",
    "try_step": "it is noted when it is really sent",
}
NO_DEED_OF_PAGES = {
    "/runs/bulk": "it does nothing before it is started",
    "/pipelines/{id}/edit": "the file's change is noted, and a step that is really sent",
    "/pipelines/{id}/delete": "the file's change is noted",
    "/pipelines/{id}/versions": "the file's change is noted",
    "/new": "nothing is written before it is saved",
    "/language": "it is of no concern to others",
}


@asynccontextmanager
async def api(served: Served, role: Role = Role.OPERATOR) -> AsyncIterator[httpx.AsyncClient]:
    token = Tokens(served.host.project.var).make(role.value, role)
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": "203.0.113.9"}
    async with httpx.AsyncClient(base_url=f"{served.url}/api/v1", headers=headers) as client:
        yield client


async def entries(served: Served) -> list[AuditEntry]:
    return (await served.host.journal.audit(AuditQuery(limit=1000)))[::-1]


async def said(served: Served) -> list[tuple[str, str, str]]:
    return [(one.action.value, one.actor, one.target) for one in await entries(served)]


def test_every_operation_that_changes_something_leaves_an_entry() -> None:
    silent = {one.name for one in api_endpoints() if one.method != "GET" and one.action is None}
    assert silent == NO_DEED.keys()
    silent = {route.path for route in page_routes() if isinstance(route, DeedRoute) and route.action is None}
    assert silent == NO_DEED_OF_PAGES.keys()


def test_deeds_on_the_pages_are_noted_with_who_and_from_where(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, visitor(served) as anna:
            anna.client.headers["x-forwarded-for"] = "203.0.113.9"
            run = await give(served.host, {"n": 1})
            await until(served.host, run)
            for path, form, seen_on in (
                ("/pipelines/x/mode", {"mode": "held", "reason": "wrong address"}, "/"),
                (f"/runs/{run}/replay", {"on": "current"}, "/"),
                ("/users", {"name": "vera", "password": "correct horse battery", "role": "viewer"}, "/users"),
                ("/users/vera/role", {"role": "operator"}, "/users"),
                ("/users/vera/password", {"password": "a quite different one"}, "/users"),
                ("/users/vera/remove", {}, "/users"),
                ("/tokens", {"name": "crm", "role": "viewer", "days": "30"}, "/tokens"),
                ("/tokens/revoke", {"name": "crm"}, "/tokens"),
                ("/secrets", {"name": "KEY", "value": "hunter2hunter2"}, "/secrets"),
                ("/secrets/KEY/delete", {}, "/secrets"),
                (f"/runs/{run}/test", {"name": "one"}, "/"),
                ("/pipelines/x/sample", {}, "/"),
                ("/logout", {}, "/"),
            ):
                answer = await anna.post(path, form, seen_on=seen_on)
                assert answer.status_code in {200, 201, 303}, f"{path}: {answer.text}"
            assert await said(served) == [
                ("pipeline.mode", "operator", "x"),
                ("run.replay", "operator", run),
                ("user.add", "operator", "vera"),
                ("user.role", "operator", "vera"),
                ("user.password", "operator", "vera"),
                ("user.remove", "operator", "vera"),
                ("token.make", "operator", "crm"),
                ("token.revoke", "operator", "crm"),
                ("secret.set", "operator", "KEY"),
                ("secret.remove", "operator", "KEY"),
                ("test.save", "operator", run),
                ("sample.send", "operator", "x"),
                ("logout", "operator", ""),
            ]
            found = await entries(served)
            assert {(one.via.value, one.address) for one in found} == {("pages", "203.0.113.9")}
            assert found[0].detail == "the mode is held now: wrong address"
            assert "hunter2" not in str(found)

    asyncio.run(main())


def test_deeds_of_programs_are_noted_with_their_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, api(served) as client:
            run = await give(served.host, {"n": 1})
            await until(served.host, run)
            await client.put("/pipelines/x/mode", json={"mode": "running", "reason": ""})
            await client.post(f"/runs/{run}/replay", json={"on": "original"})
            base = (await client.get("/pipelines/x/file")).json()["base"]
            await client.put("/pipelines/x/file", json={"text": f'title = "X"\n{TEXT}', "base": base})
            await client.put("/secrets/KEY", json={"value": "hunter2hunter2"})
            job = (await client.post("/jobs", json={"deed": "cancel", "runs": [run]})).json()["id"]
            await client.post(f"/jobs/{job}/start")
            assert (await client.put("/pipelines/y/mode", json={"mode": "held"})).status_code == 404
            found = await entries(served)
            assert [(one.action.value, one.target) for one in found] == [
                ("pipeline.mode", "x"),
                ("run.replay", run),
                ("file.change", "pipelines/x.toml"),
                ("secret.set", "KEY"),
                ("job.start", job),
            ]
            assert {(one.actor, one.via.value, one.address) for one in found} == {
                ("token operator", "api", "203.0.113.9")
            }
            assert found[1].detail.endswith("on the original version")
            assert '+title = "X"' in found[2].detail
            assert found[4].detail == f"runs to be cancelled: 1; these are: {run}"
            listed = (await client.get("/audit", params={"action": "file.change"})).json()
            assert [one["number"] for one in listed] == [found[2].number]
            assert (await client.get("/audit/check")).json() == {"entries": 5, "broken": None}

    asyncio.run(main())


def test_a_job_for_many_runs_is_noted_with_their_number_and_the_filter_and_a_few_ids(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": TEXT}) as served,
            api(served) as client,
            visitor(served, language="ru") as person,
        ):
            for number in range(5):
                await until(served.host, await give(served.host, {"n": str(number)}))
            matching = {"pipeline": "x", "state": ["succeeded"], "until": "2100-01-01T12:30:00Z"}
            for runs in (matching, {}):
                made = await client.post("/jobs", json={"deed": "replay", "matching": runs})
                assert made.status_code == 201, made.text
                job = made.json()["id"]
                async with asyncio.timeout(10):
                    while served.host.bulk.jobs()[0].phase is not Phase.ASKED:
                        await asyncio.sleep(0.01)
                await client.post(f"/jobs/{job}/start")
            filtered, everything = (one.detail for one in await entries(served))
            beginning = (
                "runs to be replayed: 5; of pipeline x; in state succeeded; received until 2100-01-01 12:30 UTC; "
            )
            assert filtered.startswith(f"{beginning}among them: ")
            assert filtered.endswith(" and 2 more")
            assert filtered.count(",") == 2
            assert "; all that there were; " in everything
            page = (await person.get("/audit")).text
            assert "обработка x; в состоянии «Выполнена»; получены до 2100-01-01 12:30 UTC; среди них: " in page
            assert " и ещё 2" in page

    asyncio.run(main())


def test_a_refused_request_that_a_program_accepts_is_noted_as_that(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, api(served) as client, httpx.AsyncClient() as sender:
            await client.put("/pipelines/x/mode", json={"mode": "stopped"})
            assert (await sender.post(hook(served), json={"n": 1})).status_code == 503
            await client.put("/pipelines/x/mode", json={"mode": "running"})
            [refusal] = (await client.get("/refusals")).json()
            assert (await client.post(f"/runs/{refusal['id']}/replay", json={})).status_code == 201
            assert (await said(served))[-1] == ("request.accept", "token operator", refusal["id"])

    asyncio.run(main())


def test_logins_and_what_was_refused_are_noted_without_what_was_typed(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served:
            somebody(tmp_path / "var", Role.OPERATOR)
            async with visitor(served, None) as anna:
                for name, password in (
                    ("operator", "wrong-one"),
                    ("hunter2hunter2", "operator"),
                    ("operator", PASSWORD),
                ):
                    await anna.post("/login", {"name": name, "password": password})
            async with visitor(served, Role.VIEWER) as vera:
                assert (await vera.get("/users")).status_code == 403
                assert (await vera.post("/users", {"name": "x"}, seen_on="/")).status_code == 403
            async with api(served, Role.VIEWER) as client:
                await client.put("/secrets/KEY", json={"value": "hunter2hunter2"})
                await client.get("/audit")
                client.headers["authorization"] = "Bearer jackfield_hunter2hunter2"
                await client.get("/runs")
                client.headers.pop("authorization")
                await client.get("/runs")
            assert await said(served) == [
                ("login.failed", "", "operator"),
                ("login.failed", "", ""),
                ("login", "operator", ""),
                ("role.refused", "viewer", "/users"),
                ("role.refused", "viewer", "/users"),
                ("role.refused", "token viewer", "/api/v1/secrets/KEY"),
                ("role.refused", "token viewer", "/api/v1/audit"),
                ("token.refused", "", "/api/v1/runs"),
            ]
            assert "hunter2" not in str(await entries(served))

    asyncio.run(main())


def test_tries_that_have_to_wait_and_wrong_old_passwords_are_noted_as_failed_logins(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served, visitor(served, Role.VIEWER) as vera:
            form = {"old": "wrong-one", "password": "a quite different one", "again": "a quite different one"}
            assert (await vera.post("/password", form, seen_on="/password")).status_code == 403
            tries = {"name": "viewer", "password": "wrong-one"}
            async with visitor(served, None) as stranger:
                answers = [(await stranger.post("/login", tries)).status_code for _ in range(8)]
            assert 429 in answers
            found = await entries(served)
            assert [(one.action.value, one.target) for one in found] == [("login.failed", "viewer")] * 9
            assert (found[0].actor, found[0].detail) == ("viewer", "the old password was wrong")
            waiting = [one for one in found if one.detail == "too many tries; the password was not looked at"]
            assert len(waiting) == answers.count(429)
            assert "wrong-one" not in str(found)

    asyncio.run(main())


def test_operators_read_the_log_on_a_page_and_viewers_do_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, visitor(served) as anna:
            await anna.post("/pipelines/x/mode", {"mode": "held", "reason": "<b>lunch</b>"}, seen_on="/")
            await anna.post("/users", {"name": "vera", "password": PASSWORD, "role": "viewer"}, seen_on="/users")
            page = await read(anna, "/audit")
            assert "<b>lunch" not in page
            assert words(page).index("User added") < words(page).rindex("the mode is held now: <b>lunch</b>")
            only = words(await read(anna, "/audit?action=user.add&actor=operator"))
            assert "vera" in only
            assert "lunch" not in only
            assert "There is nothing here" in await read(anna, "/audit?actor=nobody")
            async with visitor(served, Role.VIEWER) as vera:
                assert (await vera.get("/audit")).status_code == 403
            async with visitor(served, language="ru") as russian:
                assert "Журнал аудита" in await read(russian, "/audit")

    asyncio.run(main())


def test_accepting_events_leaves_no_entry_and_the_log_is_of_no_concern_to_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, httpx.AsyncClient() as sender:
            assert (await sender.post(hook(served), json={"n": 1})).status_code == 200
            assert await entries(served) == []

    asyncio.run(main())
