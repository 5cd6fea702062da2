"""A test of a pipeline, kept in a file of the project: an event, and the requests that each step sends for it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue, ValidationError
from pydantic_core import from_json

from jackfield.components.options import OptionsModel
from jackfield.components.validation import validation_problems
from jackfield.components.values import Event, JsonObject
from jackfield.errors import ConfigurationError, JackfieldError
from jackfield.http.stub import StubResponse
from jackfield.project.toml_file import TomlFile

TESTS_FOLDER: Final = "tests"
SCENARIO_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
UNSEEN_BODY: Final = "[confidential]"
"""What the journal has in place of the body of a request for a token: such requests are no part of a test."""

UNTOLD: Final = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-length", "host", "idempotency-key", "transfer-encoding",
        "user-agent",
    }
)  # fmt: skip
"""Request headers that say nothing of the pipeline, or are others at every run."""
_MEGABYTES: Final = 20
"""How many the file of a test may have: events may be long, and lines that are laid out make them longer."""


def _read_json(value: object) -> object:
    return from_json(value) if isinstance(value, str) else value


class GivenResponse(OptionsModel):
    """What a request is answered."""

    status: int = Field(default=200, ge=100, le=999)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = "{}"
    error: str | None = None

    def answer(self) -> StubResponse:
        """Make the answer for a rehearsal."""
        headers = self.headers or {"content-type": "application/json"}
        return StubResponse(self.status, tuple(headers.items()), self.body, self.error)


class ExpectedRequest(OptionsModel):
    """One request; only the headers that are named are compared, and `***` stands for any text."""

    method: str
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    answer: GivenResponse = GivenResponse()


class ExpectedStep(OptionsModel):
    """What one step does. With a `result`, it is not run, and later steps see that."""

    name: str
    skipped: bool = False
    error: str | None = None
    result: Annotated[JsonValue, BeforeValidator(_read_json)] = None
    requests: tuple[ExpectedRequest, ...] = ()


class Scenario(OptionsModel):
    """The file: `event` and `result` are tables, or texts with JSON, which says what TOML cannot."""

    pipeline: str
    run: str = "test"
    received_at: AwareDatetime = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
    blank: frozenset[str] = frozenset()
    event: Annotated[JsonObject, BeforeValidator(_read_json)]
    steps: tuple[ExpectedStep, ...] = ()

    def taken(self) -> Event:
        """Return the event."""
        return Event(self.event, self.blank)


def scenario_file(name: str) -> str:
    """Name the file of a test, as seen from the project folder."""
    return f"{TESTS_FOLDER}/{name}.toml"


def scenario_files(folder: Path) -> dict[str, Path]:
    """Find the tests of a project by name; there need not be any."""
    return {path.stem: path for path in sorted((folder / TESTS_FOLDER).glob("*.toml"))}


def read_scenario(name: str, path: Path) -> Scenario:
    """Read a test. Raises `ConfigurationError` with every mistake in it."""
    file = TomlFile.read(path, scenario_file(name), _MEGABYTES)
    try:
        return Scenario.model_validate(file.data)
    except ValidationError as error:
        found = validation_problems(error, file.data, Scenario)
        raise ConfigurationError([file.problem(problem.key, problem.message) for problem in found]) from None


class ScenarioExistsError(JackfieldError):
    """There is a test of this name already; nothing was written."""


def save_scenario(folder: Path, name: str, text: str) -> None:
    """Write a test into the project. Raises `ScenarioExistsError`, ValueError for a name that no test may have."""
    if not SCENARIO_NAME.fullmatch(name):
        raise ValueError(name)
    path = folder / scenario_file(name)
    path.parent.mkdir(exist_ok=True)
    try:
        with open(path, "x", encoding="utf-8", opener=_privately) as file, _gone_if_unfinished(path):
            file.write(text)
            file.flush()
    except FileExistsError:
        raise ScenarioExistsError(f"there is a test {scenario_file(name)} already; choose another name") from None


def _privately(path: str, flags: int) -> int:
    """Open a file for its owner alone: events are about people."""
    return os.open(path, flags, 0o600)


@contextmanager
def _gone_if_unfinished(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError):
        path.unlink()
        raise


def suggested_name(pipeline: str, taken: Collection[str]) -> str:
    """Suggest a name for a new test of a pipeline."""
    names = (pipeline if number == 1 else f"{pipeline[:60]}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
