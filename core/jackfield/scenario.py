"""A test of a pipeline, kept in a file of the project: an event, and the requests that each step sends for it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import tomlkit
from pydantic import AwareDatetime, BeforeValidator, Field, JsonValue, ValidationError
from pydantic_core import from_json
from tomlkit.items import AoT, Table

from jackfield.components import OptionsModel
from jackfield.errors import ConfigurationError, JackfieldError
from jackfield.journal.records import Attempt, Outcome
from jackfield.journal.views import RunView
from jackfield.models import Event, Exchange, JsonObject
from jackfield.options import complaints
from jackfield.rehearsal import Answer
from jackfield.tomlfile import TomlFile

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
_UNHEARD: Final = frozenset({"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"})

_LONGEST_LAID_OUT: Final = 100_000
"""Characters of an event that is written in lines: whoever wants to change a longer one has a tool for it."""
_GROWTH: Final = 8
_MEGABYTES: Final = 20
"""How many the file of a test may have: events may be long, and lines that are laid out make them longer."""


def _read_json(value: object) -> object:
    return from_json(value) if isinstance(value, str) else value


class GivenAnswer(OptionsModel):
    """What a request is answered."""

    status: int = Field(default=200, ge=100, le=999)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = "{}"
    error: str | None = None

    def answer(self) -> Answer:
        """Make the answer for a rehearsal."""
        headers = self.headers or {"content-type": "application/json"}
        return Answer(self.status, tuple(headers.items()), self.body, self.error)


class ExpectedRequest(OptionsModel):
    """One request; only the headers that are named are compared, and `***` stands for any text."""

    method: str
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    answer: GivenAnswer = GivenAnswer()


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
        found = complaints(error, file.data, Scenario)
        raise ConfigurationError([file.problem(complaint.key, complaint.message) for complaint in found]) from None


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


def scenario_text(view: RunView, unrun: Collection[str]) -> str:
    """Write a run down as a test: its event, the requests of each step's last attempt, and what they were answered.

    `unrun` are the steps that are not run in a test: of these, the result is kept.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Run {view.summary.id}. `jackfield test` sends nothing; *** stands for any text."))
    document["pipeline"] = view.summary.pipeline
    document["run"] = view.summary.id
    document["received_at"] = view.summary.received_at.isoformat()
    if view.event.blank:
        document["blank"] = sorted(view.event.blank)
    document["event"] = _json(view.event.data)
    steps = tomlkit.aot()
    for attempt in _last_attempts(view.attempts):
        steps.append(_step(attempt, keep_result=attempt.step in unrun))
    document["steps"] = steps
    return tomlkit.dumps(document).encode("utf-8", "replace").decode()  # an event may have half a character in it


def _last_attempts(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    last = {attempt.step: attempt for attempt in attempts}
    return iter(sorted(last.values(), key=lambda attempt: attempt.index))


def _step(attempt: Attempt, *, keep_result: bool) -> Table:
    table = tomlkit.table()
    table["name"] = attempt.step
    if attempt.outcome is Outcome.SKIPPED:
        table["skipped"] = True
    if attempt.error is not None:
        table["error"] = _text(attempt.error.removeprefix(f"step {attempt.step}: "))
    if (keep_result or attempt.outcome is Outcome.REUSED) and attempt.result is not None:
        table["result"] = _json(attempt.result)
    if requests := [one for one in attempt.exchanges if one.request_body != UNSEEN_BODY]:
        table["requests"] = _requests(requests)
    return table


def _requests(exchanges: Sequence[Exchange]) -> AoT:
    found = tomlkit.aot()
    for exchange in exchanges:
        table = tomlkit.table()
        table["method"] = exchange.method
        table["url"] = exchange.url
        if headers := _kept(exchange.request_headers, UNTOLD):
            table["headers"] = _inline(headers)
        if exchange.request_body:
            table["body"] = _text(exchange.request_body)
        table["answer"] = _answer(exchange)
        found.append(table)
    return found


def _answer(exchange: Exchange) -> Table:
    table = tomlkit.table()
    if exchange.status is None:
        table["error"] = exchange.error or "no answer"
        return table
    table["status"] = exchange.status
    if headers := _kept(exchange.response_headers, _UNHEARD):
        table["headers"] = _inline(headers)
    table["body"] = _text(exchange.response_body)
    return table


def _kept(headers: Sequence[tuple[str, str]], left_out: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in left_out}


def _inline(values: Mapping[str, str]) -> Any:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _json(value: JsonValue) -> Any:
    compact = json.dumps(value, ensure_ascii=False)
    return _text(compact if len(compact) > _LONGEST_LAID_OUT else _laid_out(value, _GROWTH * len(compact)) or compact)


def _laid_out(value: JsonValue, longest: int) -> str | None:
    """Write JSON in lines, unless it nests so deeply that they are mostly indentation."""
    pieces, length = [], 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > longest:
            return None
    return "".join(pieces)


def _text(text: str) -> Any:
    """Write a text in the form that is read most easily."""
    plain = "'" not in text and all(one.isprintable() or one == "\n" for one in text)
    if plain and "\n" in text:
        return tomlkit.value(f"'''\n{text}'''")
    return tomlkit.string(text, literal=plain and ('"' in text or "\\" in text))
