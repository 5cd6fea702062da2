"""The command `secrets`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.conftest import Cli
from tests.support import make_project

TEXT = """\
[source]
use = "getcourse.user_created"
[[steps]]
use = "http_request"
url = "https://api.crm.example/x"
headers = { X-Token = "hunter2hunter2" }
"""


def test_the_command_that_check_names_moves_the_key(cli: Cli, tmp_path: Path) -> None:
    make_project(tmp_path, {"x": TEXT})
    code, said, _ = cli("check", "--project", tmp_path)
    assert code == 0
    command = re.search(r"jackfield secrets move x '(.*)' --as (\w+)", said)
    assert command is not None
    moved = cli("secrets", "move", "x", command[1], "--as", command[2], "--project", tmp_path)
    assert moved == (0, "x: steps[0].headers.X-Token is {{ secret.CRM_TOKEN }} now; its value is in secrets.toml\n", "")
    assert cli("check", "--project", tmp_path)[:2] == (0, "1 pipeline, no mistakes\n")
    code, _, error = cli("secrets", "move", "x", "steps[0].url", "--as", "CRM_TOKEN", "--project", tmp_path)
    assert (code, error) == (
        1,
        "secrets.toml has another value under the name CRM_TOKEN already; choose another name\n",
    )
