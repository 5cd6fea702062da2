"""The commands `token` and `audit`, and what commands leave in the audit log."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from tests.cli.conftest import Cli
from tests.support import make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_project(
        tmp_path, {"x": '[source]\nuse = "getcourse.user_created"\n[[steps]]\nuse = "set"\nvalues = { a = 1 }\n'}
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUDO_USER", raising=False)
    return tmp_path


def test_a_token_is_made_listed_and_revoked(cli: Cli, project: Path) -> None:
    assert cli("token", "list")[1].startswith("there is no token")
    code, made, _ = cli("token", "add", "crm", "--expires", "90 days")
    assert (code, made.startswith("jackfield_")) == (0, True)
    found = Tokens(project / "var").find(made.strip().encode())
    assert found is not None
    assert (found.role, found.expires is not None) == (Role.VIEWER, True)
    [listed] = json.loads(cli("token", "list", "--json")[1])
    assert (listed["name"], listed["role"], listed["expires"][:4]) == ("crm", "viewer", str(found.expires)[:4])
    assert cli("token", "revoke", "crm") == (0, "crm is revoked\n", "")
    assert cli("token", "revoke", "crm")[0] == 1
    assert cli("token", "add", "old", "--expires", "2020-01-01")[0] == 1
    assert cli("token", "add", "odd", "--expires", "soon")[0] == 2


def test_what_commands_do_is_in_the_audit_log(cli: Cli, project: Path) -> None:
    assert cli("audit") == (0, "nothing was written down yet\n", "")
    assert cli("token", "add", "crm")[0] == 0
    assert cli("hold", "x")[0] == 0
    assert cli("token", "revoke", "crm")[0] == 0
    found = json.loads(cli("audit", "--json")[1])
    assert [(one["action"], one["target"], one["detail"]) for one in found] == [
        ("token.revoke", "crm", ""),
        ("pipeline.mode", "x", "the mode is held now: set on the command line"),
        ("token.make", "crm", "the role is viewer"),
    ]
    assert {(one["actor"], one["via"]) for one in found} == {(getpass.getuser(), "command")}
    assert (
        cli("audit", "--action", "pipeline.mode")[1]
        .splitlines()[1]
        .endswith("the mode is held now: set on the command line")
    )
    assert cli("audit", "--check") == (0, "3 entries fit together\n", "")


def test_a_log_that_cannot_be_written_stops_no_command(cli: Cli, project: Path) -> None:
    (project / "var").mkdir(exist_ok=True)
    (project / "var" / "journal.db").write_text("no journal", encoding="utf-8")
    code, made, note = cli("token", "add", "crm")
    assert (code, made.startswith("jackfield_")) == (0, True)
    assert note.startswith("note: this is not in the audit log: ")
