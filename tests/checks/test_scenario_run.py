"""Tests of pipelines: written down from a run, carried out without a network."""

from __future__ import annotations

import asyncio
import os
import time
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import from_json

import jackfield_http_request
from jackfield.checks.scenario import (
    Scenario,
    ScenarioExistsError,
    read_scenario,
    save_scenario,
    scenario_files,
    suggested_name,
)
from jackfield.checks.scenario_run import Difference, Offline, matches
from jackfield.checks.scenario_text import scenario_text
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Event, Exchange
from jackfield.errors import ConfigurationError
from jackfield.http.client import HttpPool
from jackfield.journal.records import Attempt, Outcome, State, StoredRequest
from jackfield.journal.views import RunSummary, RunView
from jackfield.project.secrets import Secrets
from jackfield.runs.try_step import StepTester
from jackfield.runs.watchdog.watchdog import Watchdog
from tests.support import Plugin

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PIPELINE = """
[source]
use = "call"
[[steps]]
use = "http_request"
name = "add"
method = "POST"
url = "https://a.example/{{ $.event.id }}"
headers = { X-Key = "{{ secret.KEY }}" }
json = { email = "{{ $.event.email }}" }
[[steps]]
use = "http_request"
name = "tell"
when = "{{ $.event.tell }}"
url = "https://b.example/{{ $.steps.add.body.id }}"
[[steps]]
use = "act"
do = "say"
text = "{{ $.run.id }}"
[[steps]]
use = "http_request"
name = "last"
url = "https://c.example/{{ $.steps.act.said }}"
"""
SCENARIO = """
pipeline = "x"
run = "run-1"
event = { id = 5, email = "анна@example.ru", tell = true }
[[steps]]
name = "add"
[[steps.requests]]
method = "POST"
url = "https://a.example/5"
headers = { x-key = "***" }
body = '{ "email": "анна@example.ru" }'
answer = { body = '{"id": 7}' }
[[steps]]
name = "tell"
[[steps.requests]]
method = "POST"
url = "https://b.example/7"
[[steps]]
name = "act"
result = { said = "hi" }
[[steps]]
name = "last"
[[steps.requests]]
method = "POST"
url = "https://c.example/***"
"""


def differences(folder: Path, scenario: str, pipeline: str = PIPELINE) -> Sequence[Difference]:
    (folder / "pipelines").mkdir(exist_ok=True)
    path = folder / "pipelines" / "x.toml"
    path.write_text(pipeline, encoding="utf-8")
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "t.toml").write_text(scenario, encoding="utf-8")

    async def main() -> Sequence[Difference]:
        http, watchdog = HttpPool(), Watchdog()
        registry = Registry.of(Plugin(), jackfield_http_request)
        offline = Offline(StepTester(http, watchdog), registry, Secrets({}), {"x": path})
        return await offline.differences(read_scenario("t", folder / "tests" / "t.toml"))

    return asyncio.run(main())


def exchange(**changes: Any) -> Exchange:
    headers = (("Host", "a.example"), ("X-Key", "***"), ("Content-Length", "3"))
    made = Exchange("POST", "https://a.example/5", headers, '{"a":1}', 200, (("Date", "now"), ("X-Id", "1")), "{}", 5.0)
    return replace(made, **changes)


def view(*attempts: Attempt, event: Event | None = None) -> RunView:
    summary = RunSummary("run-1", "x", "v", State.SUCCEEDED, AT, AT, None, None, (), 0, None)
    return RunView(summary, event or Event({"id": 5}), StoredRequest("POST", "", (), ""), attempts, (), ())


def attempt(step: str, index: int = 0, **changes: Any) -> Attempt:
    return replace(Attempt(index, step, 1, AT, 5.0, Outcome.SUCCEEDED), **changes)


def test_a_pipeline_that_does_as_its_test_says_passes_without_secrets_and_network(tmp_path: Path) -> None:
    assert differences(tmp_path, SCENARIO) == []


@pytest.mark.parametrize(
    ("old", "new", "step", "what"),
    [
        ("https://a.example/5", "https://a.example/6", "add", "- POST https://a.example/6"),
        ('"анна@example.ru" }\'', '"vera@example.ru" }\'', "add", '-   "email": "vera@example.ru"'),
        ('x-key = "***"', 'x-key = "***", x-more = "1"', "add", "- x-more: 1"),
        ("tell = true", "tell = false", "tell", "is passed over"),
        ('name = "tell"\n', 'name = "tell"\nskipped = true\n', "tell", "is not passed over"),
        ('name = "tell"\n', 'name = "tell"\nerror = "no *** answer"\n', "tell", "should fail with: no *** answer"),
        ('{"id": 7}', "{}", "tell", "fails: steps[1].url"),
        ("answer = { body", "answer = { status = 500, body", "add", "fails: a.example answered 500"),
        ('name = "last"\n', 'name = "lost"\n', "lost", 'is no step of it; did you mean "last"?'),
        ('name = "last"\n', 'name = "lost"\n', "last", "the request is not expected:\n  POST https://c.example/hi"),
        ('"https://c.example/***"', '"https://c.example/***"\n[[steps.requests]]\nmethod = "PUT"\nurl = "u"\n', "last",
         "request 2 is not sent: PUT u"),
        ('pipeline = "x"', 'pipeline = "y"', "", "there is no pipeline y; known: x"),
    ],
)  # fmt: skip
def test_what_differs_is_said(tmp_path: Path, old: str, new: str, step: str, what: str) -> None:
    assert old in SCENARIO
    found = differences(tmp_path, SCENARIO.replace(old, new))
    assert any(one.step == step and what in one.what for one in found), found


def test_an_expected_failure_passes_and_ends_the_test(tmp_path: Path) -> None:
    text = SCENARIO.partition('[[steps]]\nname = "tell"')[0].replace("body = '{\"id", "status = 500, body = '{\"id")
    assert (
        differences(tmp_path, text.replace('name = "add"', 'name = "add"\nerror = "a.example answered 500***"')) == []
    )


def test_steps_after_the_end_are_not_reached(tmp_path: Path) -> None:
    found = differences(tmp_path, SCENARIO.replace("answer = { body", "answer = { status = 500, body"))
    assert [(one.step, one.what) for one in found][1:] == [
        ("tell", "is not reached"), ("act", "is not reached"), ("last", "is not reached")
    ]  # fmt: skip


def test_a_mistake_in_the_pipeline_is_a_difference(tmp_path: Path) -> None:
    found = differences(tmp_path, SCENARIO, PIPELINE.replace('method = "POST"', 'metod = "POST"'))
    assert (found[0].step, "steps[0].metod" in found[0].what) == ("add", True)
    assert "is not valid TOML" in differences(tmp_path, SCENARIO, "[source")[0].what


def test_a_mistake_in_the_file_of_a_test_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tests/t.toml:6: steps\[0\].nam: is not known here; did you mean"):
        differences(tmp_path, SCENARIO.replace('name = "add"', 'nam = "add"'))


def test_a_run_is_written_down_as_a_test_that_says_what_was_sent_and_answered() -> None:
    token = exchange(url="https://id.example", request_body="[confidential]", response_body="[confidential]")
    text = scenario_text(
        view(
            attempt("add", number=1, outcome=Outcome.RETRYING, error="step add: not now"),
            attempt("add", number=2, exchanges=(token, exchange())),
            attempt("tell", 1, outcome=Outcome.SKIPPED),
            attempt("act", 2, result={"said": "x"}),
            attempt(
                "last", 3, outcome=Outcome.FAILED, error="step last: no", exchanges=(exchange(status=None, error="no"),)
            ),
            event=Event({"id": 5, "none": None, "phone": ""}, frozenset({"phone"})),
        ),
        {"act"},
    )
    scenario = Scenario.model_validate(tomllib.loads(text))
    assert (scenario.pipeline, scenario.run, scenario.received_at) == ("x", "run-1", AT)
    assert scenario.taken() == Event({"id": 5, "none": None, "phone": ""}, frozenset({"phone"}))
    add, tell, act, last = scenario.steps
    [request] = add.requests
    assert (request.url, request.headers, request.body) == ("https://a.example/5", {"X-Key": "***"}, '{"a":1}')
    assert (request.answer.status, request.answer.headers, request.answer.body) == (200, {"X-Id": "1"}, "{}")
    assert (tell.skipped, act.result, last.error) == (True, {"said": "x"}, "no")
    assert last.requests[0].answer.error == "no"


@given(st.text(), st.text(st.characters(codec="latin-1"), min_size=1), st.text())
def test_whatever_was_sent_and_answered_comes_back_from_the_file(body: str, name: str, url: str) -> None:
    sent = exchange(url=url, request_body=body, response_headers=((name, body),), response_body=body)
    text = scenario_text(view(attempt("add", exchanges=(sent,)), event=Event({name: body})), ())
    scenario = Scenario.model_validate(tomllib.loads(text))
    assert scenario.event == {name: body}
    [request] = scenario.steps[0].requests
    assert (request.url, request.body, request.answer.body) == (url, body, body)


def test_a_deep_event_of_a_megabyte_is_written_down_at_once() -> None:
    deep: JsonValue = [from_json('{"a":' * 180 + "1" + "}" * 180)] * 900
    event = Event({"x": deep})
    began = time.thread_time()
    text = scenario_text(view(attempt("add"), event=event), ())
    assert time.thread_time() - began < 1  # tokens of TOML one by one took many seconds
    assert Scenario.model_validate(tomllib.loads(text)).event == event.data


def test_half_a_character_in_an_event_breaks_no_file() -> None:
    text = scenario_text(view(attempt("add"), event=Event({"\ud800": "a\udfff"})), ())
    assert Scenario.model_validate(tomllib.loads(text)).event == {"?": "a?"}


def test_a_test_is_never_overwritten_and_stands_in_its_folder(tmp_path: Path) -> None:
    save_scenario(tmp_path, "a", "first")
    with pytest.raises(ScenarioExistsError, match=r"tests/a.toml already"):
        save_scenario(tmp_path, "a", "second")
    for name in ("", "../a", "a/b", "A", ".a", "a.toml", "a\0", "x" * 65):
        with pytest.raises(ValueError):  # noqa: PT011 - the name is all there is to say
            save_scenario(tmp_path, name, "")
    assert {name: path.read_text() for name, path in scenario_files(tmp_path).items()} == {"a": "first"}


def test_a_name_is_suggested_that_is_free() -> None:
    assert [suggested_name("a", taken) for taken in ([], ["a"], ["a", "a-2", "b"])] == ["a", "a-2", "a-3"]


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("", "", True),
        ("a", "b", False),
        ("***", "", True),
        ("a***c", "abbc", True),
        ("a***a", "a", False),
        ("***b***", "abc", True),
        ("a***b***b", "abb", True),
        ("a***b***b", "ab", False),
    ],
)
def test_three_stars_stand_for_any_text(expected: str, actual: str, same: object) -> None:
    assert matches(expected, actual) is same


def test_a_test_that_could_not_be_written_whole_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        save_scenario(tmp_path, "half", "half a character: \ud800")
    assert scenario_files(tmp_path) == {}


def test_a_test_that_is_no_regular_file_is_a_mistake_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.toml")
    with pytest.raises(ConfigurationError, match="it is a named pipe, and only a regular file is read"):
        read_scenario("x", tmp_path / "x.toml")
