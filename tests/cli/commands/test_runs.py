import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from jackfield import WebhookRequest
from jackfield.clock import utc_now
from jackfield.components.plugins.registry import Registry
from jackfield.journal.records import Mode
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.views import Query
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.loader import PipelineLoader
from jackfield.runs.intake import Intake
from jackfield.runs.metrics import Metrics
from tests.support import make_project

Cli = Callable[..., tuple[int, str, str]]
TEXT = """\
[source]
use = "getcourse.user_created"
dedupe = "{{ $.event.id }}"
[[steps]]
use = "http_request"
url = "https://crm.example.ru/"
"""
STEP = """\
[[steps]]
use = "http_request"
url = "https://crm.example.ru/"
"""


def received(folder: Path, *requests: WebhookRequest, mode: Mode = Mode.RUNNING) -> str:
    """Have a project that received these requests while no run could start; return its first run, or refusal."""
    project = make_project(folder, {"x": TEXT})
    pipeline = PipelineLoader(Registry.load(), project.secrets).read("x", project.pipeline_files()["x"])
    project.var.mkdir(exist_ok=True)
    return asyncio.run(_received(SqliteJournal(project.journal_file, now=utc_now), pipeline, requests, mode))


async def _received(journal: SqliteJournal, pipeline: Pipeline, requests: Sequence[WebhookRequest], mode: Mode) -> str:
    await journal.open()
    try:
        for request in requests:
            await Intake(journal, Metrics(), utc_now).receive(pipeline, mode, request)
        await journal.set_mode("x", mode, reason="a holiday", at=utc_now())
        runs = (await journal.search(Query())).runs
        return runs[-1].id if runs else (await journal.refusals())[-1].id
    finally:
        await journal.close()


def call(query: str, body: bytes = b"") -> WebhookRequest:
    return WebhookRequest("POST" if body else "GET", query, (), body)


def test_a_run_that_is_held_says_why(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"), mode=Mode.HELD)
    code, out, _ = cli("runs", "show", run, "--project", tmp_path)
    assert code == 0
    [why] = [line for line in out.splitlines() if line.startswith("does not run: pipeline x is held since ")]
    assert why.endswith(" (a holiday); `jackfield start x` lets them run")


def test_a_run_of_a_blocked_pipeline_says_why(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"))
    assert "does not run" not in cli("runs", "show", run, "--project", tmp_path)[1]
    (tmp_path / "pipelines" / "x.toml").write_text(TEXT.replace("http_request", "http_requst"), encoding="utf-8")
    expected = "does not run: pipeline x is blocked: pipelines/x.toml:5: steps[0].use: there is no action"
    assert expected in cli("runs", "show", run, "--project", tmp_path)[1]
    (tmp_path / "pipelines" / "x.toml").unlink()
    expected = "does not run: pipeline x is gone: there is no pipelines/x.toml"
    assert expected in cli("runs", "show", run, "--project", tmp_path)[1]


def test_a_run_is_shown_with_the_body_of_its_request(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1", b"name=\xd0\x90\n&more=" + b"x" * 3000))
    out = cli("runs", "show", run, "--project", tmp_path)[1]
    assert "\nRequest: POST id=1\n    name=А\n    &more=xxx" in out
    assert "xxx... (all of it: --json)\n" in out


def test_a_duplicate_is_shown_with_its_event_and_warnings(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1&city=Казань"), call("id=1&city=%7Bobject.city%7D"))
    out = cli("runs", "show", run, "--project", tmp_path)[1]
    [again] = [line for line in out.splitlines() if line.startswith("came again: ")]
    assert again.endswith('{"id":"1","city":"{object.city}"}')
    assert "\n  warning: " in out


@pytest.mark.parametrize("options", [["--project", "{}"], ["--json", "--project", "{}"]])
def test_options_before_show_are_heeded(cli: Cli, tmp_path: Path, options: list[str]) -> None:
    run = received(tmp_path, call("id=1"))
    given = [option.format(tmp_path) for option in options]
    code, out, _ = cli("runs", *given, "show", run)
    assert (code, run in out) == (0, True)
    assert out.startswith("{") is ("--json" in options)


def test_a_replay_is_told_to_programs(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"))
    code, out, error = cli("replay", run, "nope", "--json", "--project", tmp_path)
    [good, bad] = json.loads(out)
    assert (code, error) == (1, "")
    assert (good["id"], len(good["runs"]), good["error"]) == (run, 1, None)
    assert (bad["id"], bad["runs"]) == ("nope", [])
    assert "there is no run and no refused request nope" in bad["error"]


def test_what_cannot_be_cancelled_is_said_and_exits_with_1(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"))
    assert cli("cancel", run, "--project", tmp_path) == (0, f"{run} cancelled\n", "")
    for id in (run, "nope"):
        error = f"{id} is settled or unknown, nothing to cancel\n"
        assert cli("cancel", id, "--project", tmp_path) == (1, "", error)


def test_failed_runs_are_set_aside_and_listed_only_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"))
    at = ("--project", tmp_path)
    code, _, err = cli("set-aside", run, "nobody", *at)
    assert (code, "has not failed" in err, "there is no run nobody" in err) == (1, True, True)
    with closing(sqlite3.connect(tmp_path / "var" / "journal.db")) as journal, journal:
        journal.execute("UPDATE run SET state = 'failed'")
    assert cli("set-aside", run, "--note", "a test", *at)[:2] == (0, f"{run} set aside\n")
    assert cli("runs", "--state", "failed", *at)[1] == "no runs\n"
    assert "failed, set aside" in cli("runs", "--state", "failed", "--repaired", *at)[1]
    assert "a test" in cli("runs", "show", run, *at)[1]
    assert cli("set-aside", run, "--undo", *at)[0] == 0
    assert run in cli("runs", "--state", "failed", *at)[1]


def test_versions_are_listed_and_brought_back_on_the_command_line(cli: Cli, tmp_path: Path) -> None:
    received(tmp_path, call("id=1"))
    file, at = tmp_path / "pipelines" / "x.toml", ("--project", tmp_path)
    with closing(sqlite3.connect(tmp_path / "var" / "journal.db")) as journal, journal:
        journal.execute("INSERT INTO version (pipeline, id, text) VALUES ('x', 'v1', ?)", (f"# as it was\n{TEXT}",))
    assert "v1" in cli("versions", "x", *at)[1]
    assert json.loads(cli("versions", "x", "--json", *at)[1])[0]["id"] == "v1"
    assert cli("restore", "x", "v1", *at)[:2] == (0, "pipelines/x.toml is version v1 again\n")
    assert file.read_text() == f"# as it was\n{TEXT}"
    code, _, err = cli("restore", "x", "v9", *at)
    assert (code, "there is no version v9 of pipeline x" in err) == (1, True)


def test_a_replay_from_the_failed_step_keeps_what_has_succeeded(cli: Cli, tmp_path: Path) -> None:
    run = received(tmp_path, call("id=1"))
    at = ("--project", tmp_path, "--json")
    (tmp_path / "pipelines" / "x.toml").write_text(f"{TEXT}name = 'first'\n{STEP}name = 'second'\n", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "var" / "journal.db")) as journal, journal:
        journal.execute("UPDATE run SET state = 'failed'")
        for place, (step, outcome) in enumerate((("first", "succeeded"), ("second", "failed"))):
            journal.execute(
                "INSERT INTO attempt (run, place, step, number, started_at, elapsed_ms, outcome, masked)"
                " SELECT seq, ?, ?, 1, 0, 1.0, ?, 0 FROM run",
                (place, step, outcome),
            )
    assert cli("replay", run, "--from-failed", "--from-step", "first", *at)[0] == 2
    code, out, err = cli("replay", run, "--from-failed", *at)
    assert (code, err) == (0, "")
    [new] = json.loads(out)[0]["runs"]
    view = json.loads(cli("runs", "show", new, *at)[1])
    assert [(one["step"], one["outcome"]) for one in view["attempts"]] == [("first", "reused")]
