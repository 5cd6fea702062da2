"""A key that stands in a pipeline's file is moved to the secrets."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from jackfield.errors import JackfieldError, NotFound
from jackfield.pipelines.editing.drafts import Conflict
from jackfield.pipelines.editing.secret_move import carry_out, plan_move

TEXT = """\
# students
title = "Students"  # of the school

[source]
use = "getcourse.user_created"

[[steps]]
use = "http_request"   # adds one
url = "https://api.crm.example/add?token=hunter22&x={{ $.event.id }}"
headers = { Accept = "application/json", X-Token = "hunter2hunter2" }  # the old one was worse
text = "plain"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "x.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def text_of(folder: Path) -> str:
    return (folder / "pipelines" / "x.toml").read_text(encoding="utf-8")


def test_a_key_moves_and_comments_and_order_stay(folder: Path) -> None:
    carry_out(folder, plan_move(folder, "x", "steps[0].headers.X-Token", "CRM_TOKEN"))
    assert text_of(folder) == TEXT.replace("hunter2hunter2", "{{ secret.CRM_TOKEN }}")
    secrets = folder / "secrets.toml"
    assert tomllib.loads(secrets.read_text(encoding="utf-8")) == {"CRM_TOKEN": "hunter2hunter2"}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_only_the_part_that_is_a_key_moves(folder: Path) -> None:
    carry_out(folder, plan_move(folder, "x", "steps[0].url"))
    assert text_of(folder) == TEXT.replace("token=hunter22", "token={{ secret.CRM_KEY }}")


def test_a_value_that_nobody_would_take_for_a_key_moves_as_a_whole(folder: Path) -> None:
    carry_out(folder, plan_move(folder, "x", "steps[0].text", "PLAIN"))
    assert 'text = "{{ secret.PLAIN }}"' in text_of(folder)


def test_what_cannot_be_moved_is_said_and_nothing_is_changed(folder: Path) -> None:
    (folder / "secrets.toml").write_text('TAKEN = "something else"\n', encoding="utf-8")
    with pytest.raises(NotFound, match=r'no text at steps\[0\].headers.X-Tokn; did you mean "steps\[0\].headers.X'):
        plan_move(folder, "x", "steps[0].headers.X-Tokn")
    with pytest.raises(NotFound, match=r"there is no pipeline y"):
        plan_move(folder, "y", "title")
    with pytest.raises(JackfieldError, match="has another value under the name TAKEN already"):
        plan_move(folder, "x", "steps[0].headers.X-Token", "TAKEN")
    with pytest.raises(JackfieldError, match="a secret's name has only Latin letters"):
        plan_move(folder, "x", "steps[0].headers.X-Token", "no-name")
    assert text_of(folder) == TEXT


def test_a_file_that_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    planned = plan_move(folder, "x", "steps[0].headers.X-Token", "CRM_TOKEN")
    (folder / "pipelines" / "x.toml").write_text(TEXT + "# more\n", encoding="utf-8")
    with pytest.raises(Conflict):
        carry_out(folder, planned)
    assert text_of(folder) == TEXT + "# more\n"
