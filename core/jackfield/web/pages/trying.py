"""Trying a step of a draft on an event that came in, or on examples: without sending anything, or really."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue
from starlette.concurrency import run_in_threadpool

from jackfield.clock import utc_now
from jackfield.drafts import Draft
from jackfield.errors import ConfigurationError
from jackfield.host import Host
from jackfield.journal.records import Query, RunSummary
from jackfield.models import Event
from jackfield.pipeline import Pipeline, pipeline_file
from jackfield.tomlfile import TomlFile
from jackfield.trial import Situation, Trials, Tried
from jackfield.web.pages.picker import declared

_EVENTS_OFFERED: Final = 10


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """What came of trying the step at `index` on the event of `run` (empty: on the examples); texts are for people."""

    index: int
    run: str
    tried: Tried
    options: str
    result: str


async def events_to_try(host: Host, id: str) -> Sequence[RunSummary]:
    """List the runs whose events can be taken, newest first."""
    return (await host.journal.search(Query(pipeline=id, limit=_EVENTS_OFFERED))).runs


async def try_step(host: Host, draft: Draft, index: int, run: str, *, send: bool) -> ShownTrial | None:
    """Try a step of a draft, secrets included; None if there is no such step, or no such event."""
    pipeline = await run_in_threadpool(_loaded, host, draft)
    situation = await _situation(host, draft, run)
    if pipeline is None or situation is None or not 0 <= index < len(draft.steps()):
        return None
    step = draft.steps()[index]
    name = str(step.get("name") or step.get("use", "")).replace(".", "_")
    try:
        tried = await Trials(host.http, host.runner.watchdog).try_step(pipeline, name, situation, send=send)
    except KeyError:
        return None
    return ShownTrial(index, run, tried, _text(tried.options), _text(tried.result))


def _loaded(host: Host, draft: Draft) -> Pipeline | None:
    try:
        return host.pipelines.loader.load(draft.id, TomlFile.parse(draft.text, pipeline_file(draft.id)))
    except ConfigurationError:
        return None


async def _situation(host: Host, draft: Draft, run: str) -> Situation | None:
    if not run:
        source: Any = (draft.data() or {}).get("source")
        _, examples = declared(host, str(source.get("use", "")) if isinstance(source, dict) else "")
        return Situation(Event(examples), utc_now())
    view = await host.journal.run(run)
    return Situation.of(view) if view is not None and view.summary.pipeline == draft.id else None


def _text(value: JsonValue) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
