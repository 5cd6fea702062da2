"""Trying a step of a draft on an event that came in, or on examples: without sending anything, or really."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from jackfield.clock import utc_now
from jackfield.components.values import Event
from jackfield.errors import ConfigurationError
from jackfield.host.host import Host
from jackfield.journal.views import RunSummary, RunView
from jackfield.pipelines.definition import Pipeline, pipeline_file, step_name
from jackfield.pipelines.editing.drafts import Draft
from jackfield.pipelines.labels import event_summary
from jackfield.project.toml_file import TomlFile
from jackfield.runs.try_step import Situation, StepTester, StepTestResult
from jackfield.web.pages.editor.picker import declared
from jackfield.web.render.excerpt import Excerpts

_ROOM: Final = 300_000
_RUN_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class EventToTry:
    """An event that can be taken: its run, and what tells it from others."""

    run: RunSummary
    event_summary: str


@dataclass(frozen=True, slots=True)
class Choice:
    """On which event a step is to be tried: on that of a run that was offered, or of the one that `other` names.

    `offered` is empty for the examples, None where nothing was chosen; `other` has a run's id or its page's address.
    """

    offered: str | None = None
    other: str = ""

    @property
    def run(self) -> str:
        """The id of the run; empty for the examples."""
        found = _RUN_ID.search(self.other)
        return found[0] if found else self.other or self.offered or ""


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """What came of trying the step at `index`; texts are for people."""

    index: int
    tried: StepTestResult
    options: str
    result: str


def events_to_try(views: Sequence[RunView]) -> Sequence[EventToTry]:
    """Offer the events of these runs."""
    return [EventToTry(view.summary, event_summary(view.event.data)) for view in views]


def choices_in(form: FormData, steps: int) -> Sequence[Choice]:
    """Read which event was chosen at each step."""
    offered = [form.get(f"try_event:{index}") for index in range(steps)]
    other = [str(form.get(f"try_run:{index}", "")).strip() for index in range(steps)]
    return [Choice(None if one is None else str(one), two) for one, two in zip(offered, other, strict=True)]


async def try_step(host: Host, draft: Draft, index: int, situation: Situation, *, send: bool) -> ShownTrial | None:
    """Try a step of a draft, secrets included; None if there is no such step, or the draft is no pipeline."""
    pipeline = await run_in_threadpool(_loaded, host, draft)
    if pipeline is None or not 0 <= index < len(draft.steps()):
        return None
    name = step_name(draft.steps()[index])
    try:
        tried = await StepTester(host.http, host.runner.watchdog).try_step(pipeline, name, situation, send=send)
    except KeyError:
        return None
    return ShownTrial(index, tried, _text(tried.options), _text(tried.result))


async def situation_of(host: Host, draft: Draft, run: str) -> Situation | None:
    """Take a run's event and results, or the examples if it is empty; None if this pipeline has no such run."""
    if not run:
        source: Any = (draft.data() or {}).get("source")
        _, examples = declared(host, str(source.get("use", "")) if isinstance(source, dict) else "")
        return Situation(Event(examples), utc_now())
    view = await host.journal.run(run)
    return Situation.of(view) if view is not None and view.summary.pipeline == draft.id else None


def _loaded(host: Host, draft: Draft) -> Pipeline | None:
    try:
        return host.pipelines.loader.load(draft.id, TomlFile.parse(draft.text, pipeline_file(draft.id)))
    except ConfigurationError:
        return None


def _text(value: JsonValue) -> str:
    return "" if value is None else Excerpts(_ROOM).json(value).text
