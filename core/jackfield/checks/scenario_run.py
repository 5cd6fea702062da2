"""Carries the tests of pipelines out, without a network, and says what differs."""

from __future__ import annotations

import difflib
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from pydantic_core import from_json

from jackfield.checks.scenario import UNSEEN_BODY, UNTOLD, ExpectedRequest, ExpectedStep, Scenario
from jackfield.checks.secret_uses import secrets_named
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Exchange, JsonObject
from jackfield.errors import ConfigurationError
from jackfield.masking import MASKED
from jackfield.pipelines.definition import Pipeline, StepDefinition, pipeline_file
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import did_you_mean
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.runs.try_step import Situation, StepTester, StepTestOutcome, StepTestResult
from jackfield.templates.engine import TemplateEngine

_STAND_IN: Final = "stand-in-for-{}"
_LAST: Final = frozenset({StepTestOutcome.BROKEN, StepTestOutcome.ENDED, StepTestOutcome.FAILED})
"""Endings after which no other step is taken, unless the step says so."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a step does something else than its test says; `step` is empty where it concerns the whole pipeline."""

    step: str
    what: str


@dataclass(frozen=True, slots=True)
class Offline:
    """Carries tests out. Of the project's secrets, those that are not set have a stand-in."""

    trials: StepTester
    registry: Registry
    secrets: Secrets
    files: Mapping[str, Path]
    """The pipelines' files, by id."""

    async def differences(self, scenario: Scenario) -> list[Difference]:
        """Carry one test out and say what differs; nothing if it passes. Raises nothing, whatever actions do."""
        try:
            pipeline = self._pipeline(scenario.pipeline)
        except ConfigurationError as error:
            return [Difference("", str(error))]
        execution = _ScenarioExecution(self.trials, pipeline, scenario)
        return [difference async for difference in execution.differences()]

    def _pipeline(self, id: str) -> Pipeline:
        if id not in self.files:
            message = f"there is no pipeline {id}{did_you_mean(id, self.files)}"
            raise ConfigurationError([TomlFile(pipeline_file(id), "", {}).problem((), message)])
        file = TomlFile.read(self.files[id], pipeline_file(id))
        named = secrets_named(file.text, TemplateEngine({}, self.registry.filters))
        values = {name: _STAND_IN.format(name) for name in named} | dict(self.secrets)
        return PipelineLoader(self.registry, Secrets(values), self.files[id].parent.parent).load(id, file)


class _ScenarioExecution:
    """One execution of a scenario: through the steps of its pipeline."""

    def __init__(self, trials: StepTester, pipeline: Pipeline, scenario: Scenario) -> None:
        self._trials = trials
        self._pipeline = pipeline
        self._scenario = scenario
        self._results: JsonObject = {}
        self._ended = False

    async def differences(self) -> AsyncIterator[Difference]:
        expected = {step.name: step for step in self._scenario.steps}
        for definition in self._pipeline.steps:
            wanted = expected.pop(definition.name, None) or ExpectedStep(name=definition.name)
            for what in await self._step(definition, wanted):
                yield Difference(definition.name, what)
            if self._ended:
                break
        names = [step.name for step in self._pipeline.steps]
        for name in expected:
            known = name in names
            yield Difference(name, "is not reached" if known else f"is no step of it{did_you_mean(name, names)}")

    async def _step(self, definition: StepDefinition, wanted: ExpectedStep) -> list[str]:
        given = "result" in wanted.model_fields_set
        if given and definition.action.http_only:
            self._results[definition.name] = wanted.result
            return []
        scenario = self._scenario
        situation = Situation(scenario.taken(), scenario.received_at, scenario.run, results=self._results)
        answers = [request.answer.answer() for request in wanted.requests]
        tried = await self._trials.try_step(self._pipeline, definition.name, situation, answers=answers)
        self._results[definition.name] = wanted.result if given else tried.returned
        goes_on = tried.ending is StepTestOutcome.FAILED and definition.settings.on_error == "continue"
        self._ended = tried.ending in _LAST and not goes_on
        return [*_endings(tried, wanted), *_requests(tried.exchanges, wanted.requests)]


def _endings(tried: StepTestResult, wanted: ExpectedStep) -> Iterator[str]:
    skipped = tried.ending is StepTestOutcome.PASSED_OVER
    if skipped and not wanted.skipped:
        yield "is passed over: its `when` says no"
    elif wanted.skipped and not skipped:
        yield "is not passed over: its `when` says yes"
    error = tried.error if tried.ending in _LAST else None
    if error is not None and wanted.error is None:
        yield f"fails: {error}"
    elif wanted.error is not None and not matches(wanted.error, error or ""):
        yield f"should fail with: {wanted.error}" + (f"\nfails with: {error}" if error else "\ndoes not fail")


def _requests(sent: Sequence[Exchange], wanted: Sequence[ExpectedRequest]) -> Iterator[str]:
    sent = [one for one in sent if one.request_body != UNSEEN_BODY]
    for number, (actual, expected) in enumerate(zip_longest(sent, wanted), 1):
        which = f"request {number}" if len(sent) > 1 or len(wanted) > 1 else "the request"
        if actual is None:
            yield f"{which} is not sent: {expected.method} {expected.url}"
        elif expected is None:
            yield f"{which} is not expected:\n" + _indented(_shown(actual, None))
        elif not _same(actual, expected):
            yield f"{which} differs:\n" + _diff(actual, expected)


def _same(actual: Exchange, expected: ExpectedRequest) -> bool:
    pairs = [
        (expected.method, actual.method),
        (expected.url, actual.url),
        tuple(map(_body, (expected.body, actual.request_body))),
    ]
    return all(matches(*pair) for pair in pairs) and not list(_wrong_headers(actual, expected))


def _wrong_headers(actual: Exchange, expected: ExpectedRequest) -> Iterator[str]:
    for name, value in expected.headers.items():
        values = [said for key, said in actual.request_headers if key.lower() == name.lower()]
        if not any(matches(value, one) for one in values):
            yield name


def matches(expected: str, actual: str) -> bool:
    """Compare two texts; `***` in what is expected stands for any text."""
    first, *rest = expected.split(MASKED)
    if not rest:
        return expected == actual
    *middle, last = rest
    if not actual.startswith(first) or not actual.endswith(last) or len(actual) < len(first) + len(last):
        return False
    place, end = len(first), len(actual) - len(last)
    for part in middle:
        found = actual.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _body(text: str) -> str:
    """Write a body so that what means the same looks the same."""
    try:
        value = from_json(text)
    except ValueError:
        return text
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def _diff(actual: Exchange, expected: ExpectedRequest) -> str:
    """Show both line by line, `-` what is expected and `+` what is sent; lines that match are shown once."""
    wanted = _lines(expected.method, expected.url, expected.headers.items(), expected.body)
    sent = _shown(actual, expected)
    said = list(sent)
    for index, line in enumerate(said):  # a line that a placeholder stands for is no difference
        if (fits := next((one for one in wanted if MASKED in one and matches(one, line)), None)) is not None:
            said[index] = fits
    return _indented(line for line in difflib.ndiff(wanted, said) if not line.startswith("?"))


def _shown(actual: Exchange, expected: ExpectedRequest | None) -> list[str]:
    names = None if expected is None else {name.lower(): name for name in expected.headers}
    headers = [
        (name if names is None else names[name.lower()], value)
        for name, value in actual.request_headers
        if (names is None and name.lower() not in UNTOLD) or (names is not None and name.lower() in names)
    ]
    return _lines(actual.method, actual.url, headers, actual.request_body)


def _lines(method: str, url: str, headers: Iterable[tuple[str, str]], body: str) -> list[str]:
    named = sorted(f"{name}: {value}" for name, value in headers)
    return [f"{method} {url}", *named, *_body(body).splitlines()]


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
