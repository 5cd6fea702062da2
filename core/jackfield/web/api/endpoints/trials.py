"""What is tried with a pipeline: a sample of what its sender sends, one of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from pydantic import Field, JsonValue
from starlette.concurrency import run_in_threadpool

from jackfield.components.options import OptionsModel
from jackfield.components.values import Event, Exchange, JsonObject
from jackfield.errors import BadRequest, ConfigurationError, JackfieldError, JournalError, NotFound
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.editing.drafts import Draft
from jackfield.pipelines.sender import sample_request
from jackfield.problems import Problem, did_you_mean
from jackfield.project.toml_file import TomlFile
from jackfield.runs.try_step import Situation, StepTester, StepTestOutcome
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.api.endpoints.files import InvalidPipeline, whole_draft
from jackfield.web.api.endpoints.pipelines import known_pipeline
from jackfield.web.auth.callers import Note
from jackfield.web.forms.secret_placeholders import SecretKeeper


class SampleBody(OptionsModel):
    """The values of the event; those that are not given are the source's examples."""

    values: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleTaken:
    """What the sender would have been answered, and the runs that the event is in: earlier ones, if it is known."""

    status: int
    text: str
    runs: Sequence[str]


class TryBody(OptionsModel):
    """Which step to try, and on what: the event of a run with the results of its steps, or an event, or both.

    With `text`, the step is that of this text in place of the file. With `send`, requests are really sent.
    """

    step: str
    run: str | None = None
    event: dict[str, JsonValue] | None = None
    text: str | None = None
    send: bool = False


@dataclass(frozen=True, slots=True)
class StepTried:
    """What came of it; secrets are masked. Nothing has left the machine unless `sent`."""

    ending: StepTestOutcome
    sent: bool
    options: JsonObject | None
    exchanges: Sequence[Exchange]
    result: JsonValue
    error: str | None
    traceback: str | None
    problems: Sequence[Problem]


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("POST", "/pipelines/{id}/sample", send_sample, 201, action=AuditAction.SAMPLE_SENT),
        Endpoint("POST", "/pipelines/{id}/try", try_step),
    ]


async def send_sample(host: Host, id: str, body: SampleBody) -> SampleTaken:
    """Send a sample event to a pipeline, as its sender would."""
    pipeline = known_pipeline(host, id)
    try:
        request = sample_request(pipeline, body.values)
        taken = await host.intake.receive(pipeline, host.modes.get(id).mode, request)
    except JournalError:
        raise
    except JackfieldError as error:
        raise JackfieldError(pipeline.mask(str(error))) from None
    if not taken.runs:
        raise JackfieldError(f"the sample was not taken: {taken.refused or 'there is no event in it'}")
    return SampleTaken(taken.reply.status, taken.reply.body.decode(errors="replace"), taken.runs)


async def try_step(host: Host, keeper: SecretKeeper, note: Note, id: str, body: TryBody) -> StepTried:
    """Try a step on an event: show what it would send, or really send it. Nothing of this is in the journal."""
    pipeline, situation = await _pipeline(host, keeper, id, body.text), await _situation(host, body)
    trials = StepTester(host.http, host.runner.watchdog)
    try:
        tried = await trials.try_step(pipeline, body.step, situation, send=body.send)
    except KeyError:
        hint = did_you_mean(body.step, [step.name for step in pipeline.steps])
        raise NotFound(f'pipeline {id} has no step "{body.step}"{hint}') from None
    if body.send:
        note.action, note.detail = AuditAction.STEP_SENT, f"step {body.step}"
    return StepTried(**{field.name: getattr(tried, field.name) for field in fields(StepTried)})


async def _situation(host: Host, body: TryBody) -> Situation:
    event = None if body.event is None else Event(body.event)
    if body.run is None:
        if event is None:
            raise BadRequest("say what to try it on: a run, or an event")
        return Situation(event, host.intake.now())
    view = await host.journal.run(body.run)
    if view is None:
        raise NotFound(f"there is no run {body.run}")
    situation = Situation.of(view)
    return situation if event is None else replace(situation, event=event)


async def _pipeline(host: Host, keeper: SecretKeeper, id: str, text: str | None) -> Pipeline:
    if text is None:
        return known_pipeline(host, id)
    return await run_in_threadpool(_read, host, await whole_draft(host, keeper, id, text))


def _read(host: Host, draft: Draft) -> Pipeline:
    loader = host.pipelines.loader
    try:
        return loader.load(draft.id, TomlFile.parse(draft.text, pipeline_file(draft.id)))
    except (ConfigurationError, ValueError, RecursionError):
        raise InvalidPipeline(draft.problems(loader)) from None
