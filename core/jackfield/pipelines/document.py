"""The document that templates look into: the event, the results of earlier steps, the run and the pipeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import JsonValue

from jackfield.components.values import Event, JsonObject
from jackfield.journal.records import StepRecord
from jackfield.masking import MASKED
from jackfield.pipelines.definition import Pipeline
from jackfield.templates.engine import Blank, Withheld


def event_document(
    pipeline: Pipeline, run: str, received_at: datetime, event: Event, results: JsonObject | None = None
) -> JsonObject:
    """Make the document of a run. `results` are the steps', by name, and may grow as the run goes on."""
    data = event.data
    if event.blank:
        data = {name: _marked(value) if name in event.blank else value for name, value in data.items()}
    title = pipeline.title
    return {
        "event": data,
        "steps": {} if results is None else results,
        "run": {"id": run, "received_at": received_at.isoformat(), "attempt": 1},
        "pipeline": {"id": pipeline.id, "title": title if isinstance(title, str) else dict(title)},
    }


def attempt_document(document: JsonObject, attempt: int) -> JsonObject:
    """Make the document of one attempt of a step."""
    run = document["run"]
    return {**document, "run": {**run, "attempt": attempt}} if attempt > 1 and isinstance(run, dict) else document


def recalled(record: StepRecord) -> JsonValue:
    """Return the result of a step as the journal has it; what a secret was taken out of is an error when it is used."""
    return _withheld(record.result) if record.masked else record.result


def _withheld(value: JsonValue) -> Any:
    if isinstance(value, dict):
        return {name: _withheld(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_withheld(item) for item in value]
    return Withheld() if isinstance(value, str) and MASKED in value else value


def _marked(value: JsonValue) -> JsonValue:
    return Blank(value) if isinstance(value, str) else value
