"""The test of a pipeline that the documentation shows passes, and the commands around it do what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.cli import main
from tests.docs.markdown import ROOT, blocks
from tests.support import make_project

PIPELINE, SCENARIO = (block.text for block in blocks("toml", ROOT / "docs" / "testing.md")[:2])
Cli = Callable[..., tuple[int, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    make_project(tmp_path, {"new-student": PIPELINE})

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["jackfield", *arguments, "--project", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out + printed.err

    return run


def put(folder: Path, text: str, name: str = "new-student") -> None:
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / f"{name}.toml").write_text(text, encoding="utf-8")


def test_without_tests_it_says_where_they_come_from(cli: Cli) -> None:
    assert cli("test") == (0, "no tests: a run's page saves one into tests\n")


def test_the_test_of_the_documentation_passes(cli: Cli, tmp_path: Path) -> None:
    put(tmp_path, SCENARIO)
    assert cli("test") == (0, "ok      new-student\n1 test, all as expected\n")


def test_what_differs_is_shown_and_fails_the_command(cli: Cli, tmp_path: Path) -> None:
    put(tmp_path, SCENARIO)
    put(tmp_path, SCENARIO.replace("/17/", "/18/"), "other")
    code, printed = cli("test")
    assert code == 1
    assert "step welcome: the request differs" in printed
    assert "    - POST https://crm.example.ru/students/18/welcome\n" in printed
    assert "2 tests, 1 not as expected" in printed
    assert cli("test", "new-student")[0] == 0


def test_programs_get_json(cli: Cli, tmp_path: Path) -> None:
    put(tmp_path, SCENARIO.replace("POST", "PUT"))
    code, printed = cli("test", "--json")
    [report] = json.loads(printed)
    assert (code, report["name"], report["pipeline"], report["passed"]) == (1, "new-student", "new-student", False)
    assert [one["step"] for one in report["differences"]] == ["add_student", "welcome"]


def test_a_test_that_is_not_there_or_cannot_be_read_is_said(cli: Cli, tmp_path: Path) -> None:
    put(tmp_path, "pipeline = 1")
    code, printed = cli("test")
    assert code == 1
    assert "tests/new-student.toml: event: is required" in printed
    assert cli("test", "new-studnet") == (
        1,
        'tests/new-studnet.toml: there is no such test; did you mean "new-student"?\n',
    )
