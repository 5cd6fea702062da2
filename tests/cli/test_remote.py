"""The commands, at a host that runs elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.web.app import TOKEN_FILE
from tests.processes import ServedHost, make_served_project, send, served

Cli = Callable[..., tuple[int, str, str]]
TEXT = """\
title = "Far away"
[source]
use = "getcourse.user_created"
[[steps]]
use = "compose.json"
value = { id = "{{ $.event.id }}" }
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHost]:
    with served(make_served_project(tmp_path_factory.mktemp("far"), {"x": TEXT})) as found:
        assert send(found.project, id="7") == 200
        found.until_settled()
        yield found


@pytest.fixture
def far(cli: Cli, host: ServedHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command in a folder that is no project, with the host's address and token."""
    token = (host.project.var / TOKEN_FILE).read_text(encoding="ascii").strip()
    monkeypatch.setenv("JACKFIELD_TOKEN", token)
    monkeypatch.setenv("JACKFIELD_URL", host.project.settings.local_url)
    monkeypatch.chdir(tmp_path)
    return cli


def test_runs_are_listed_shown_and_replayed_as_they_are_on_the_spot(far: Cli, cli: Cli, host: ServedHost) -> None:
    code, out, _ = far("runs", "--json")
    [run] = json.loads(out)["runs"]
    assert (code, run["state"]) == (0, "succeeded")
    code, shown, _ = far("runs", "show", run["id"])
    assert code == 0
    assert f"run {run['id']}" in shown
    assert far("runs", "--state", "failed")[1] == "no runs\n"
    assert run["id"] in far("runs", "--state", "succeeded")[1]
    code, out, _ = far("replay", run["id"], "--json")
    [replayed] = json.loads(out)
    assert (code, replayed["id"]) == (0, run["id"])
    host.until_settled()
    assert "replayed as" in far("runs", "show", run["id"])[1]
    code, _, err = far("cancel", run["id"])
    assert (code, err) == (1, f"{run['id']} is settled or unknown, nothing to cancel\n")


def test_pipelines_are_listed_held_and_started(far: Cli) -> None:
    assert "Far away" in far("pipelines")[1]
    assert far("hold", "x") == (0, "x is on hold: events are accepted and kept\n", "")
    assert json.loads(far("pipelines", "--json")[1])[0]["mode"] == "held"
    assert far("start", "x") == (0, "x runs\n", "")
    code, out, _ = far("address", "x")
    assert code == 0
    assert "{object.email}" in out.splitlines()[0]
    assert far("refused")[1] == "no refused requests\n"


def test_a_sample_is_sent_and_plugins_are_listed(far: Cli, host: ServedHost) -> None:
    before = len(host.states())
    code, out, _ = far("send", "x", "--data", '{"id": "8"}')
    assert (code, out[:3]) == (0, "200")
    assert len(host.until_settled()) == before + 1
    far("stop", "x")
    code, _, err = far("send", "x", "--sample")
    assert (code, err.startswith("the sample was not taken: ")) == (1, True)
    far("start", "x")
    code, out, _ = far("plugins")
    assert (code, "getcourse.user_created" in out) == (0, True)
    assert [one["module"] for one in json.loads(far("plugins", "compose.json", "--json")[1])] == ["jackfield_compose"]
    assert far("plugins", "compose.jsn")[0] == 1


def test_what_is_not_there_is_said_in_one_line(far: Cli) -> None:
    assert far("runs", "show", "nothing") == (1, "", "there is no run nothing; `jackfield runs` lists them\n")
    assert far("hold", "y") == (1, "", "there is no pipeline y\n")
    assert far("replay", "nothing")[0] == 1


def test_a_missing_token_a_wrong_one_and_a_host_that_is_not_there_are_said_in_one_line(
    far: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACKFIELD_TOKEN", "wrong")
    code, _, err = far("runs")
    assert (code, err.count("\n")) == (1, 1)
    assert "wrong" not in err
    code, _, err = far("runs", "--url", "http://127.0.0.1:1")
    assert code == 1
    assert err.startswith("http://127.0.0.1:1 does not answer as a host")
    monkeypatch.delenv("JACKFIELD_TOKEN")
    assert "JACKFIELD_TOKEN" in far("runs")[2]
