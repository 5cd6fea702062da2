import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from jackfield.access.users import Role, Users
from tests.cli.conftest import Cli
from tests.support import make_project

PASSWORD = "correct horse battery"
JACKFIELD = [sys.executable, "-c", "from jackfield.cli import main; main()"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_project(tmp_path, {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


def test_a_user_is_added_listed_changed_and_removed(
    cli: Cli, project: Path, say: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("user", "list") == (0, "nobody can log in yet; `jackfield user add NAME` adds an operator\n", "")
    assert cli("user", "add", "anna", "--password-stdin") == (0, "anna can log in, as operator\n", "")
    monkeypatch.setattr("sys.stdin", io.StringIO("another password"))
    assert cli("user", "add", "vera", "--role", "viewer", "--password-stdin")[0] == 0
    assert [line.split() for line in cli("user", "list")[1].splitlines()[1:]] == [
        ["anna", "operator"],
        ["vera", "viewer"],
    ]
    assert json.loads(cli("user", "list", "--json")[1])[1] == {"name": "vera", "role": "viewer"}

    monkeypatch.setattr("sys.stdin", io.StringIO("a third password\r\n"))
    assert cli("user", "password", "vera", "--password-stdin")[0] == 0
    users = Users(project / "var")
    assert users.verified("anna", PASSWORD) is not None
    assert users.verified("vera", "a third password") is not None

    assert cli("user", "remove", "vera") == (0, "vera is removed and logged out\n", "")
    assert users.get("vera") is None


def test_the_last_operator_is_removed_only_when_that_is_said(cli: Cli, project: Path) -> None:
    Users(project / "var").add("anna", PASSWORD, Role.OPERATOR)
    code, _, error = cli("user", "remove", "anna")
    assert (code, error.count("\n")) == (1, 1)
    assert "anna: this is the last operator" in error
    assert "--even-last" in error
    assert cli("user", "remove", "anna", "--even-last")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["add", "anna"], "anna: there is a user of this name already; `jackfield user password anna`"),
        (["add", "a b", "--password-stdin"], "a b: a user's name has letters"),
        (["add", "vera"], "there is no terminal to ask for the password; hand it over with --password-stdin"),
        (["password", "vera"], "vera: there is no user of this name; `jackfield user list` names them"),
        (["remove", "vera"], "vera: there is no user of this name"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    cli: Cli, project: Path, say: None, arguments: list[str], complaint: str
) -> None:
    Users(project / "var").add("anna", PASSWORD, Role.OPERATOR)
    code, out, error = cli("user", *arguments)
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert complaint in error


def test_a_short_password_is_refused(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    code, _, error = cli("user", "add", "anna", "--password-stdin")
    assert (code, "10 characters or more" in error, "short" in error) == (1, True, False)


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(project: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*JACKFIELD, "user", "add", "anna"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    for prompt in (b"Password: ", b"Once more: "):
        while not shown.endswith(prompt):
            shown += os.read(ours, 1000)
        os.write(ours, f"{PASSWORD}\n".encode())
    assert process.wait(30) == 0
    shown += os.read(ours, 1000)
    os.close(ours)
    assert PASSWORD.encode() not in shown
    assert Users(project / "var").verified("anna", PASSWORD) is not None


@pytest.mark.parametrize("public", [None, "https://hooks.example.ru"])
def test_the_first_start_prints_a_link_and_no_log_has_it(project: Path, public: str | None) -> None:
    if public:
        (project / "jackfield.toml").write_text(f'[server]\nport = 0\npublic_url = "{public}"\n', encoding="utf-8")
    serve = [*JACKFIELD, "serve"]
    process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=project)
    assert process.stdout is not None
    at = re.search(r"at (http://\S+) ", process.stdout.readline())
    assert at is not None
    assert "This link makes the first operator, once:" in process.stdout.readline()
    printed = process.stdout.readline().strip()
    path = printed.removeprefix(public or at[1])
    assert path.startswith("/first/")
    if public:
        assert "on this machine" in process.stdout.readline()
        assert process.stdout.readline().strip() == at[1] + path, "the proxy may not pass the pages on"
    assert httpx.get(at[1] + path).status_code == 200
    Users(project / "var").add("anna", PASSWORD, Role.OPERATOR)
    assert httpx.get(at[1] + path).status_code == 404, "there is a user now, made beside the host"
    process.send_signal(signal.SIGTERM)
    out, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert path.rpartition("/")[2] not in out + log


def test_once_there_is_a_user_no_start_prints_a_link(project: Path) -> None:
    Users(project / "var").add("vera", PASSWORD, Role.VIEWER)
    serve = [*JACKFIELD, "serve"]
    process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=project)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert "/first/" not in out
