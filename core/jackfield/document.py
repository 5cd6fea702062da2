"""The document that templates look into: the event, the results of earlier steps, the run and the pipeline."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from jackfield.models import Event, JsonObject
from jackfield.pipeline import Pipeline
from jackfield.templates import Blank


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


def _marked(value: JsonValue) -> JsonValue:
    return Blank(value) if isinstance(value, str) else value
