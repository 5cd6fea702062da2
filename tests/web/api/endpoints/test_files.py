"""Pipelines by the API: their files, versions and numbers, and what is tried with them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from jackfield import Action, OptionsModel, Step
from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.journal.records import Version
from jackfield.web.server.serving import Served
from tests.support import Plugin, hook, steps, until
from tests.web.api.test_application import TEXT, call, with_api

NEW = steps('name = "a"\ndo = "say"\ntext = "{{ $.event.n }}"', head='title = "New"')


def test_a_pipeline_is_made_changed_and_removed(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        made = await client.put("/api/v1/pipelines/new/file", json={"text": NEW})
        assert made.status_code == 200, made.text
        assert (tmp_path / "pipelines" / "new.toml").read_text(encoding="utf-8") == NEW
        assert (await client.get("/api/v1/pipelines/new")).json()["title"] == "New"
        assert (await client.get("/api/v1/pipelines/new/file")).json() == made.json()
        assert made.json()["text"] == NEW
        changed = {"text": NEW.replace("New", "Newer"), "base": made.json()["base"]}
        again = (await client.put("/api/v1/pipelines/new/file", json=changed)).json()
        assert (await client.get("/api/v1/pipelines/new")).json()["title"] == "Newer"
        await client.post(hook(served, "new"), json={"n": "1"})
        gone = await client.delete("/api/v1/pipelines/new/file", params={"base": again["base"]})
        assert (gone.status_code, (tmp_path / "pipelines" / "new.toml").exists()) == (204, False)
        assert (await client.get("/api/v1/pipelines/new")).status_code == 404
        assert len((await client.get("/api/v1/runs", params={"pipeline": "new"})).json()["runs"]) == 1

    with_api(tmp_path, test)


class KeyOptions(OptionsModel):
    key: SecretStr


class Keyed(Action[KeyOptions]):
    name = "keyed"
    title = "Keyed"
    Options = KeyOptions

    async def run(self, options: KeyOptions, step: Step) -> JsonValue:
        return None


def test_a_secret_that_stands_in_a_file_stays_there_and_is_not_told(tmp_path: Path) -> None:
    text = '[source]\nuse = "call"\n[[steps]]\nuse = "keyed"\nkey = "hidden-value"\n'
    plugin = Plugin()
    plugin.more = [Keyed]

    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await client.put("/api/v1/pipelines/new/file", json={"text": text})
        shown = (await client.get("/api/v1/pipelines/new/file")).json()
        assert "hidden-value" not in shown["text"]
        titled = {"text": 'title = "New"\n' + shown["text"], "base": shown["base"]}
        answers = [
            await client.put("/api/v1/pipelines/new/file", json=titled),
            await client.put("/api/v1/pipelines/new/file", json=titled),
            await client.post("/api/v1/pipelines/new/check", json={"text": titled["text"]}),
            await client.post("/api/v1/pipelines/new/try", json={"step": "keyed", "event": {}}),
        ]
        assert [answer.status_code for answer in answers] == [200, 409, 200, 200]
        assert all("hidden-value" not in answer.text for answer in answers)
        written = (tmp_path / "pipelines" / "new.toml").read_text(encoding="utf-8")
        assert written == 'title = "New"\n' + text
        wrong = text.replace('"keyed"', '"keyed"\nnot_known = 1')
        await served.host.journal.keep(Version("new", "wrong", wrong))
        viewer = {"authorization": f"Bearer {Tokens(served.host.project.var).make('report', Role.VIEWER)}"}
        for one in (await client.get("/api/v1/pipelines/new/versions")).json():
            path = f"/api/v1/pipelines/new/versions/{one['id']}"
            seen = [await client.get(path), await client.get(path, headers=viewer)]
            assert all(answer.status_code == 200 and "hidden-value" not in answer.text for answer in seen)
            assert (seen[1].json()["text"] == "***") is (one["id"] == "wrong")
        elsewhere = await client.put("/api/v1/pipelines/other/file", json={"text": titled["text"]})
        assert (elsewhere.status_code, "does not have this secret" in elsewhere.json()["error"]) == (422, True)

    with_api(tmp_path, test, plugin)


def test_a_file_that_somebody_else_has_changed_is_neither_written_over_nor_removed(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        (tmp_path / "pipelines" / "x.toml").write_text(NEW, encoding="utf-8")
        refused = [
            await client.put("/api/v1/pipelines/x/file", json={"text": TEXT, "base": base}),
            await client.put("/api/v1/pipelines/x/file", json={"text": TEXT}),
            await client.delete("/api/v1/pipelines/x/file", params={"base": base}),
        ]
        for answer in refused:
            assert (answer.status_code, answer.json()["theirs"]["text"]) == (409, NEW)
            assert "changed by somebody else" in answer.json()["error"]
        theirs = refused[0].json()["theirs"]["base"]
        (tmp_path / "pipelines" / "x.toml").unlink()
        gone = await client.put("/api/v1/pipelines/x/file", json={"text": TEXT, "base": theirs})
        assert (gone.status_code, gone.json()["theirs"]) == (409, None)

    with_api(tmp_path, test)


def test_a_text_with_mistakes_is_not_saved_and_each_of_them_has_its_place(tmp_path: Path) -> None:
    wrong = '[source]\nuse = "call"\n\n[[steps]]\nuse = "act"\ndo = 3\n'

    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.put("/api/v1/pipelines/new/file", json={"text": wrong})
        [problem] = answer.json()["problems"]
        place = {"file": "pipelines/new.toml", "line": 6, "key": "steps[0].do"}
        assert (answer.status_code, problem) == (422, problem | place)
        assert answer.json()["error"] == f"pipelines/new.toml:6: steps[0].do: {problem['message']}"
        assert not (tmp_path / "pipelines" / "new.toml").exists()
        checked = await client.post("/api/v1/pipelines/new/check", json={"text": wrong})
        assert (checked.status_code, checked.json()) == (200, {"problems": [problem], "warnings": []})
        assert (await client.post("/api/v1/pipelines/new/check", json={"text": NEW})).json()["problems"] == []

    with_api(tmp_path, test)


@pytest.mark.parametrize("id", ["..", "A", "a.b", "%2e%2e%2fx", "x" * 65])
def test_no_file_is_reached_but_those_of_pipelines(tmp_path: Path, id: str) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        for method, path in (("GET", "file"), ("PUT", "file"), ("DELETE", "file?base="), ("POST", "check")):
            answer = await client.request(method, f"/api/v1/pipelines/{id}/{path}", json={"text": NEW})
            assert answer.status_code in {400, 404, 405, 422}, answer.text

    with_api(tmp_path, test)
    assert {file.name for file in tmp_path.rglob("*.toml")} == {"jackfield.toml", "secrets.toml", "x.toml"}
    assert len([*tmp_path.rglob("x.toml")]) == 1


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        (tmp_path / "pipelines" / "folder.toml").mkdir()
        answer = await client.get("/api/v1/pipelines/folder/file")
        reason = "the host cannot read or write a file of its project: it is a folder, and only a regular file is read"
        assert (answer.status_code, answer.json()) == (503, {"error": reason})
        (tmp_path / "pipelines" / "old.toml").write_bytes("title = 'Старый'".encode("windows-1251"))
        answer = await client.get("/api/v1/pipelines/old/file")
        assert (answer.status_code, "save it as UTF-8" in answer.json()["error"]) == (409, True)

    with_api(tmp_path, test)


def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/pipelines/x/check", json={"text": "#" * 2_000_001})
        assert (answer.status_code, answer.json()) == (413, {"error": "the body is longer than 2000000 bytes"})

    with_api(tmp_path, test)


def test_a_version_is_brought_back_by_the_api(tmp_path: Path) -> None:
    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        changed = (await client.put("/api/v1/pipelines/x/file", json={"text": NEW, "base": base})).json()["base"]
        old = (await client.get("/api/v1/pipelines/x/versions")).json()[1]["id"]
        path = f"/api/v1/pipelines/x/versions/{old}/restore"
        answer = await client.post(path, json={"base": base})
        assert (answer.status_code, answer.json()["theirs"]["base"]) == (409, changed)
        assert (await client.post(path, json={"base": changed})).json() == {"text": TEXT, "base": base}
        assert (tmp_path / "pipelines" / "x.toml").read_text(encoding="utf-8") == TEXT
        assert [one["current"] for one in (await client.get("/api/v1/pipelines/x/versions")).json()] == [True, False]
        assert (await client.post(path.replace(old, "none"), json={"base": base})).status_code == 404

    with_api(tmp_path, test)


def test_versions_are_listed_and_shown_without_secrets(tmp_path: Path) -> None:
    text = TEXT.replace("{{ $.event.n }}", "{{ secret.TOKEN }}")

    async def test(_served: Served, client: httpx.AsyncClient) -> None:
        base = (await client.get("/api/v1/pipelines/x/file")).json()["base"]
        await client.put("/api/v1/pipelines/x/file", json={"text": text + "# s3cret-value\n", "base": base})
        new, old = (await client.get("/api/v1/pipelines/x/versions")).json()
        assert (new["current"], old["current"]) == (True, False)
        assert (await client.get(f"/api/v1/pipelines/x/versions/{old['id']}")).json()["text"] == TEXT
        shown = (await client.get(f"/api/v1/pipelines/x/versions/{new['id']}")).json()["text"]
        assert shown == text + "# ***\n"
        assert (await client.get("/api/v1/pipelines/x/versions/none")).status_code == 404
        assert (await client.get("/api/v1/pipelines/none/versions")).status_code == 404

    with_api(tmp_path, test)


def test_the_runs_of_a_day_are_counted(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await call(served, client)
        await call(served, client, then="give_up")
        found = (await client.get("/api/v1/pipelines/x/activity")).json()
        assert (found["pipeline"], found["runs"], found["failed"]) == ("x", 2, 1)
        assert (found["states"], sum(hour["runs"] for hour in found["hours"])) == ({"succeeded": 1, "failed": 1}, 2)
        assert found["last_event"] is not None
        assert (await client.get("/api/v1/activity")).json() == [found]
        assert (await client.get("/api/v1/pipelines/none/activity")).status_code == 404

    with_api(tmp_path, test)


def test_a_step_is_tried_on_a_run_on_an_event_and_with_a_text_that_is_not_saved(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        run = await call(served, client, n="Анна")

        async def tried(**body: object) -> httpx.Response:
            return await client.post("/api/v1/pipelines/x/try", json=body)

        rendered = (await tried(step="a", run=run)).json()
        assert (rendered["ending"], rendered["sent"]) == ("rendered", False)
        assert rendered["options"] == {"do": "say", "text": "Анна"}
        assert (await tried(step="a", run=run, event={"n": "Пётр"})).json()["options"]["text"] == "Пётр"
        sent = (await tried(step="a", event={"n": "1"}, send=True)).json()
        assert (sent["ending"], sent["sent"], sent["result"]) == ("succeeded", True, {"said": "1"})
        text = TEXT.replace("{{ $.event.n }}", "{{ secret.TOKEN }}")
        shown = (await tried(step="a", event={}, text=text)).json()
        assert shown["options"]["text"] == "***"
        for body, status, error in (
            ({"step": "aa", "run": run}, 404, 'pipeline x has no step "aa"; did you mean "a"?'),
            ({"step": "a", "run": "none"}, 404, "there is no run none"),
            ({"step": "a"}, 422, "say what to try it on: a run, or an event"),
            ({"step": "a", "event": {}, "text": "["}, 422, "is not valid TOML"),
        ):
            answer = await tried(**body)
            assert (answer.status_code, error in answer.json()["error"]) == (status, True), answer.text

    with_api(tmp_path, test)


def test_a_sample_becomes_a_run_unless_it_is_refused(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/pipelines/x/sample", json={"values": {"n": "5", "then": "say"}})
        assert (answer.status_code, answer.json()["status"]) == (201, 200), answer.text
        [run] = answer.json()["runs"]
        assert (await until(served.host, run)).event.data["n"] == "5"
        await client.put("/api/v1/pipelines/x/mode", json={"mode": "stopped"})
        answer = await client.post("/api/v1/pipelines/x/sample", json={})
        assert answer.status_code == 409
        assert answer.json()["error"].startswith("the sample was not taken: ")
        assert (await client.post("/api/v1/pipelines/none/sample", json={})).status_code == 404

    with_api(tmp_path, test)
