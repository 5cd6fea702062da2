"""Tries one step of a pipeline on an event: shows what it would send without sending it, or really sends it.

Nothing of this is in the journal, and nothing is tried again.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

import structlog
from pydantic import BaseModel, JsonValue, SecretStr, TypeAdapter
from pydantic_core import to_jsonable_python
from structlog.typing import FilteringBoundLogger

from jackfield.components.base import Action, ActionContext
from jackfield.components.options import OptionsModel
from jackfield.components.response_template import ResponseTemplate
from jackfield.components.units import duration_words
from jackfield.components.values import Event, Exchange, JsonObject, Step
from jackfield.errors import DestinationRefused, PermanentFailure, Skip, TemplateError, TemporaryFailure
from jackfield.http.client import HttpPool
from jackfield.http.stub import StubResponse, StubTransport
from jackfield.journal.records import COMPLETED, StepRecord
from jackfield.journal.views import RunView
from jackfield.logs import mask_lines
from jackfield.masking import MASKED, Mask, mask_json
from jackfield.pipelines.definition import Pipeline, StepDefinition
from jackfield.pipelines.document import attempt_document, event_document, recalled
from jackfield.problems import Problem
from jackfield.runs.watchdog.watchdog import Watchdog

LONGEST: Final = 60.0
"""Seconds that a trial may take, whatever the step's own timeout is."""

_CLOSING: Final = 5.0
_JSON: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)


class StepTestOutcome(StrEnum):
    """How a trial ended."""

    BROKEN = "broken"
    """The step cannot be used: see `problems`."""
    PASSED_OVER = "passed_over"
    """The step's `when` says no."""
    RENDERED = "rendered"
    """Only the options are shown: the action does not say that it can be tried without effect."""
    CAUGHT = "caught"
    """The requests are what would be sent; what comes after depends on the answer."""
    SUCCEEDED = "succeeded"
    """The action returned `result`."""
    ENDED = "ended"
    """The action would end the run on purpose; `error` is its reason."""
    FAILED = "failed"
    """The options cannot be rendered, or the action failed; `error` says why."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a step is tried on. `results` are those of earlier steps, by name."""

    event: Event
    received_at: datetime
    run: str = "trial"
    attempt: int = 1
    results: JsonObject = field(default_factory=dict)

    @classmethod
    def of(cls, view: RunView) -> Situation:
        """Take a run's event, and the results of its steps; what secrets were taken out of is an error when used."""
        done = [attempt for attempt in view.attempts if attempt.outcome in COMPLETED]
        results = {one.step: recalled(StepRecord(one.index, one.step, one.result, one.masked)) for one in done}
        return cls(view.event, view.summary.received_at, view.summary.id, results=results)


@dataclass(frozen=True, slots=True)
class StepTestResult:
    """What came of a trial; secrets are masked everywhere.

    `options` are those that the step was given, rendered; None if they cannot be. `exchanges` are as the journal would
    show them: really sent if `sent`, else with the answers that stood in for real ones. `result` is not masked in
    `returned`, which is for the steps that follow and for nobody's eyes.
    """

    ending: StepTestOutcome
    sent: bool = False
    options: JsonObject | None = None
    exchanges: Sequence[Exchange] = ()
    result: JsonValue = None
    returned: JsonValue = field(default=None, repr=False)
    error: str | None = None
    traceback: str | None = None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class StepTester:
    """Tries steps, with the HTTP client and the watchdog of a host."""

    http: HttpPool
    watchdog: Watchdog

    async def try_step(
        self,
        pipeline: Pipeline,
        step: str,
        situation: Situation,
        *,
        send: bool = False,
        answers: Sequence[StubResponse] | None = None,
    ) -> StepTestResult:
        """Try the step of this name. Raises nothing, whatever the action does; KeyError if there is no such step.

        With `send` it does all that it would do in a run. Otherwise nothing leaves this machine: the action runs only
        if it is `http_only`, and what it asks its client to send is caught. Requests get `answers`, in their order, and
        an empty one when these are used up; with None the first of them ends the trial.
        """
        definition = next((one for one in pipeline.steps if one.name == step), None)
        problems = _problems(pipeline, step)
        if problems or definition is None:
            if not problems:
                raise KeyError(step)
            return StepTestResult(StepTestOutcome.BROKEN, problems=problems, error=str(problems[0]))
        return await _Trial(self, pipeline, definition, situation, send=send).tried(answers)


def _problems(pipeline: Pipeline, step: str) -> tuple[Problem, ...]:
    """Find what is wrong with the step; with one that could not even be made, all that is wrong with any step."""
    definition = next((one for one in pipeline.steps if one.name == step), None)
    prefix = "steps" if definition is None else f"steps[{definition.index}]"
    return tuple(
        one for one in pipeline.problems if one.key == prefix or one.key.startswith((f"{prefix}.", f"{prefix}["))
    )


class _Trial:
    """One trial. `mask` grows with the secrets that it comes across."""

    def __init__(
        self, trials: StepTester, pipeline: Pipeline, definition: StepDefinition, situation: Situation, *, send: bool
    ) -> None:
        self._trials = trials
        self._pipeline = pipeline
        self._definition = definition
        self._situation = situation
        self._send = send
        self._mask: Mask = pipeline.mask

    async def tried(self, answers: Sequence[StubResponse] | None) -> StepTestResult:
        definition, situation = self._definition, self._situation
        deadline = asyncio.get_running_loop().time() + self._seconds
        first = event_document(
            self._pipeline, situation.run, situation.received_at, situation.event, dict(situation.results)
        )
        document = attempt_document(first, situation.attempt)
        try:
            if definition.when is not None and not definition.when.render(document):
                return StepTestResult(StepTestOutcome.PASSED_OVER)
            options: OptionsModel = definition.options.render(document)
            self._conceal(*definition.options.secrets(options))
            shown, _ = mask_json(_given(options), self._mask)
            if asyncio.get_running_loop().time() > deadline:
                raise self._too_late()  # noqa: TRY301 - told as any failure to render
        except (TemplateError, TemporaryFailure) as error:
            return StepTestResult(StepTestOutcome.FAILED, error=self._masked(str(error)))
        except Exception as fault:  # noqa: BLE001 - a plugin's options may have validators that raise anything
            return StepTestResult(
                StepTestOutcome.FAILED, error=self._masked(f"the options cannot be rendered: {fault!r}")
            )
        before = StepTestResult(StepTestOutcome.RENDERED, options=shown if isinstance(shown, dict) else {})
        if self._send:
            return await self._sent(options, before, deadline)
        if definition.action.http_only is not True:
            return before
        return await self._rehearsed(options, before, answers, deadline)

    async def _sent(self, options: OptionsModel, before: StepTestResult, deadline: float) -> StepTestResult:
        pool, definition = self._trials.http, self._definition
        structlog.get_logger().info("step tried", pipeline=self._pipeline.id, step=definition.name)
        with pool.recording(self._masked) as exchanges:
            tried = await self._run(pool.lend(self._log()), options, before, deadline)
        return replace(tried, sent=True, exchanges=tuple(exchanges))

    async def _rehearsed(
        self, options: OptionsModel, before: StepTestResult, answers: Sequence[StubResponse] | None, deadline: float
    ) -> StepTestResult:
        rehearsal = StubTransport(answers)
        async with rehearsal.client(self._trials.http.client.headers) as client:
            tried = await self._run(ActionContext(http=client, log=self._log()), options, before, deadline)
        if rehearsal.caught:
            tried = replace(before, ending=StepTestOutcome.CAUGHT)
        return replace(tried, exchanges=tuple(rehearsal.exchanges(self._masked)))

    def _log(self) -> FilteringBoundLogger:
        log: FilteringBoundLogger = structlog.get_logger()
        return log.bind(pipeline=self._pipeline.id, step=self._definition.name)

    async def _run(
        self, context: ActionContext, options: OptionsModel, before: StepTestResult, deadline: float
    ) -> StepTestResult:
        """Make the action, run it once and close it."""
        action: Action[Any] | None = None
        try:
            action = self._definition.action(context)
            result = _JSON.validate_python(await self._limited(action, options, deadline))
            shown, _ = mask_json(result, self._mask)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return self._failed(before, PermanentFailure("the action cancelled itself"))
        except Skip as skip:
            return replace(before, ending=StepTestOutcome.ENDED, error=self._masked(str(skip)))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # noqa: BLE001 - whatever a plugin raises is shown
            return self._failed(before, failure)
        finally:
            if action is not None:
                await _close(action)
        return replace(before, ending=StepTestOutcome.SUCCEEDED, result=shown, returned=result)

    @property
    def _seconds(self) -> float:
        return min(self._definition.settings.timeout.total_seconds(), LONGEST)

    def _too_late(self) -> TemporaryFailure:
        return TemporaryFailure(f"no result within {self._seconds:g} s")

    async def _limited(self, action: Action[Any], options: OptionsModel, deadline: float) -> JsonValue:
        """Run the action in what rendering has left of the step's time."""
        try:
            async with asyncio.timeout_at(deadline) as limit:
                return await asyncio.create_task(self._guarded(action, options))
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._too_late() from None

    async def _guarded(self, action: Action[Any], options: OptionsModel) -> JsonValue:
        situation, name = self._situation, self._definition.name
        # When it really sends, a destination must not take the real run's request for a repetition of this one.
        key = f"trial-{uuid4()}/{name}" if self._send else f"{situation.run}/{name}"
        step = Step(situation.run, self._pipeline.id, name, situation.attempt, key, self._conceal)
        mask_lines(self._masked)
        try:
            return await self._trials.watchdog.guard(
                action.run(options, step), f"trial of step {name} of pipeline {self._pipeline.id}"
            )
        except (KeyboardInterrupt, SystemExit) as error:  # asyncio would take these for the end of the host
            raise RuntimeError(f"it raised {error!r}") from error

    def _failed(self, before: StepTestResult, failure: BaseException) -> StepTestResult:
        if isinstance(failure, TemporaryFailure | PermanentFailure | TemplateError | DestinationRefused):
            return replace(before, ending=StepTestOutcome.FAILED, error=self._masked(str(failure)))
        said = f"the action failed with {type(failure).__name__}: {failure}"
        trace = "".join(traceback.format_exception(failure))
        return replace(before, ending=StepTestOutcome.FAILED, error=self._masked(said), traceback=self._masked(trace))

    def _masked(self, text: str) -> str:
        return self._mask(text)

    def _conceal(self, *values: str) -> None:
        self._mask = self._mask.extended(values)


async def _close(action: Action[Any]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(_CLOSING):
            await action.close()


def _given(options: BaseModel) -> JsonObject:
    """Show the options that were given, by the names that they have in a file."""
    fields = type(options).model_fields
    return {
        field.alias or name: _plain(getattr(options, name))
        for name, field in fields.items()
        if name in options.model_fields_set
    }


def _plain(value: object) -> JsonValue:
    if isinstance(value, SecretStr):
        return MASKED
    if isinstance(value, BaseModel):
        return _given(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    plain: JsonValue = to_jsonable_python(
        duration_words(value) if isinstance(value, timedelta) else value, fallback=_words
    )
    return plain


def _words(value: object) -> str:
    return value.text if isinstance(value, ResponseTemplate) else str(value)
