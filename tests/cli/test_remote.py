"""The commands, at a host that runs elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role, Users
from jackfield.web.app import TOKEN_FILE
from tests.processes import ServedHost, make_served_project, send, served, until

Cli = Callable[..., tuple[int, str, str]]
PASSWORD = "correct horse battery"
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


def well(host: ServedHost) -> bool:
    """Tell whether the host finds no mistake in the files of its project."""
    return "file" not in {trouble["kind"] for trouble in host.api("/health")["troubles"]}


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


def test_the_options_of_a_plugin_are_shown_as_they_are_on_the_spot(
    far: Cli, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    told, told_to_programs = far("plugins", "http_request"), far("plugins", "http_request", "--json")
    monkeypatch.delenv("JACKFIELD_URL")
    assert told == cli("plugins", "http_request")
    assert "idempotency_key" in told[1]
    assert "Отправлять ли Idempotency-Key" in told[1]
    assert told_to_programs == cli("plugins", "http_request", "--json")
    [option] = [one for one in json.loads(told_to_programs[1])[0]["components"][0]["options"] if one["name"] == "url"]
    assert (option["default"], option["meaning"].keys()) == ("required", {"en", "ru"})


def test_the_mistakes_of_the_project_are_named_as_they_are_on_the_spot(
    far: Cli, cli: Cli, host: ServedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert far("check") == (0, "1 pipeline, no mistakes\n", "")
    wrong = host.project.folder / "pipelines" / "wrong.toml"
    wrong.write_text('[[steps]]\nuse = "compose.jsn"\n', encoding="utf-8")
    secrets = host.project.folder / "secrets.toml"
    secrets.write_text("A = 1\n", encoding="utf-8")
    try:
        said, said_to_programs = far("check"), far("check", "--json")
        monkeypatch.delenv("JACKFIELD_URL")
        assert said == cli("check", "--project", host.project.folder)
        assert said_to_programs == cli("check", "--project", host.project.folder, "--json")
    finally:
        wrong.unlink()
        secrets.unlink()
        until(lambda: well(host), "the host has seen that the mistakes are gone")
    assert said[0] == 1
    assert said[1].splitlines() == [
        'secrets.toml:1: A: is not text: put the value in quotes, as in NAME = "value"',
        "pipelines/wrong.toml: source: is required",
        'pipelines/wrong.toml:2: steps[0].use: there is no action "compose.jsn"; did you mean "compose.json"?',
    ]


def test_doctor_tells_what_the_host_finds(far: Cli, host: ServedHost) -> None:
    code, out, _ = far("doctor")
    assert code == 0, out
    for what in (
        "SQLite",
        "no runs are to be done",
        "jackfield_getcourse (jackfield-getcourse",
        "x         can run",
        "MB free",
        "KB",
        "answers",
    ):
        assert what in out
    assert "note  notices   nobody is told when runs fail: jackfield.toml has no table such as [notices.email]" in out
    wrong = host.project.folder / "pipelines" / "wrong.toml"
    wrong.write_text("[source]\n", encoding="utf-8")
    try:
        until(lambda: not well(host), "the host has seen the mistake")
        code, out, _ = far("doctor", "--json")
    finally:
        wrong.unlink()
        until(lambda: well(host), "the host has seen that the mistake is gone")
    [finding] = [one for one in json.loads(out) if one["mark"] == "wrong"]
    assert (code, finding["what"]) == (1, "wrong")
    assert finding["found"].startswith("pipelines/wrong.toml: steps: is required; pipelines/wrong.toml:1: ")


def test_the_schema_of_a_pipelines_file_is_printed_as_it_is_on_the_spot(
    far: Cli, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = far("schema")
    monkeypatch.delenv("JACKFIELD_URL")
    assert told == cli("schema")
    assert json.loads(told[1])["title"] == "A Jackfield pipeline"


def test_users_are_added_listed_changed_and_removed_as_they_are_on_the_spot(
    far: Cli, host: ServedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = Users(host.project.var)
    assert far("user", "list") == (0, "nobody can log in yet; `jackfield user add NAME` adds an operator\n", "")
    for name, role in (("anna", "operator"), ("vera@example.ru", "viewer")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        added = far("user", "add", name, "--role", role, "--password-stdin")
        assert added == (0, f"{name} can log in, as {role}\n", "")
        assert users.verified(name, PASSWORD) is not None
    listed, listed_to_programs = far("user", "list"), far("user", "list", "--json")
    assert [line.split() for line in listed[1].splitlines()[1:]] == [
        ["anna", "operator"],
        ["vera@example.ru", "viewer"],
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("a third password\r\n"))
    changed = far("user", "password", "vera@example.ru", "--password-stdin")
    assert changed == (0, "vera@example.ru has a new password and is logged out everywhere\n", "")
    assert users.verified("vera@example.ru", "a third password") is not None

    address = host.project.settings.local_url
    monkeypatch.delenv("JACKFIELD_URL")
    here = ("--project", host.project.folder)
    assert (listed, listed_to_programs) == (far("user", "list", *here), far("user", "list", "--json", *here))
    last, last_here = far("user", "remove", "anna", "--url", address), far("user", "remove", "anna", *here)
    assert (last, last[0], "or say --even-last" in last[2]) == (last_here, 1, True)
    for name in ("vera@example.ru", "anna"):
        removed = far("user", "remove", name, "--even-last", "--url", address)
        assert removed == (0, f"{name} is removed and logged out\n", "")
    assert users.all() == []


@pytest.mark.parametrize(
    ("arguments", "password"),
    [
        (["add", "boris"], ""),
        (["add", "a/../b", "--password-stdin"], PASSWORD),
        (["add", "vera", "--password-stdin"], "short"),
        (["add", "vera"], PASSWORD),
        (["password", "vera"], PASSWORD),
        (["password", "boris", "--password-stdin"], "short"),
        (["remove", "vera"], ""),
        (["remove", ".."], ""),
    ],
)
def test_what_cannot_be_done_to_users_is_said_as_it_is_on_the_spot(
    far: Cli, host: ServedHost, monkeypatch: pytest.MonkeyPatch, arguments: list[str], password: str
) -> None:
    users = Users(host.project.var)
    if users.get("boris") is None:
        users.add("boris", PASSWORD, Role.OPERATOR)
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    told = far("user", *arguments)
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    monkeypatch.delenv("JACKFIELD_URL")
    assert told == far("user", *arguments, "--project", host.project.folder)
    assert (told[0], told[1], told[2].count("\n")) == (1, "", 1)
    assert not password or password not in told[2]
    users.remove("boris", even_last=True)


def test_a_viewers_token_neither_lists_users_nor_sends_a_test_notice(
    far: Cli, host: ServedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACKFIELD_TOKEN", Tokens(host.project.var).make("report", Role.VIEWER))
    for command in (("user", "list"), ("user", "add", "anna"), ("notify-test",)):
        code, out, err = far(*command)
        assert (code, out, "use an operator's" in err, err.count("\n")) == (1, "", True, 1)
    assert far("schema")[0] == 0


@pytest.mark.parametrize("command", ["init", "demo", "serve", "test", "import-curl"])
def test_what_is_about_a_folder_or_this_machine_takes_no_address(far: Cli, command: str) -> None:
    code, out, err = far(command, "--url", "http://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert err == f"jackfield {command}: No such option: --url; see `jackfield {command} --help`\n"


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
