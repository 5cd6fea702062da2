"""Takes runs through their steps: `when`, render, run, write down."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from pydantic import JsonValue
from structlog.contextvars import bind_contextvars, reset_contextvars

from jackfield.components.base import Action
from jackfield.components.json_values import MOST_LEVELS, TooDeepError, check_json
from jackfield.components.options import OptionsModel
from jackfield.components.values import JsonObject, Step
from jackfield.errors import (
    DestinationRefused,
    JackfieldError,
    JournalUnavailable,
    LeaseLost,
    LoopHeld,
    PermanentFailure,
    Quarantined,
    Skip,
    TemplateError,
    TemporaryFailure,
)
from jackfield.http.client import HttpPool
from jackfield.journal.protocol import Claim
from jackfield.journal.records import Attempt, Failed, Outcome, RetryAt, Skipped, Succeeded, Verdict
from jackfield.logs import mask_lines
from jackfield.masking import Mask, mask_json
from jackfield.notices.watch import Notices
from jackfield.pipelines.definition import StepDefinition
from jackfield.pipelines.document import attempt_document, event_document, recalled
from jackfield.pipelines.live import LivePipeline, Pipelines
from jackfield.pipelines.modes import Modes
from jackfield.runs.metrics import Metrics
from jackfield.runs.quarantine import Offenders, refuse_deadly
from jackfield.runs.streaks import FailureStreaks
from jackfield.runs.watchdog.stepping import stepped
from jackfield.runs.watchdog.watchdog import Watchdog


class UnderWay(NamedTuple):
    """An attempt that is being made: of which step, its number, and since when."""

    step: str
    number: int
    since: datetime


@dataclass(slots=True)
class Runner:
    """The handler that a journal's `work()` is given.

    A run that has a step behind it stays on the version it began on; any other takes the current version, so that a
    mistake that is mended while runs are held or waiting is mended for them, too.
    """

    pipelines: Pipelines
    modes: Modes
    http: HttpPool
    metrics: Metrics
    watchdog: Watchdog
    notices: Notices
    now: Callable[[], datetime]
    crash_limit: int = 2
    """A run that may have caused this many unclean ends of the host is quarantined."""
    under_way: dict[str, UnderWay] = field(default_factory=dict)
    """The attempt that was begun last of each run that is being carried; the journal has those that have ended."""
    offenders: Offenders = field(default_factory=Offenders)
    streaks: FailureStreaks = field(init=False)

    def __post_init__(self) -> None:
        self.streaks = FailureStreaks(self.modes, self.notices)

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        """Take a run as far as it goes. Raises `LeaseLost` when it was cancelled, `JournalUnavailable` for later."""
        named = bind_contextvars(run=claim.run, pipeline=claim.pipeline)  # in every line that the run's actions log
        try:
            verdict, version = await stepped(self._carried(claim), claim.executing)
        finally:
            reset_contextvars(**named)
            self.under_way.pop(claim.run, None)
        if not isinstance(verdict, RetryAt):
            self.offenders.forget(claim.run)
        self.notices.settled(claim.pipeline, claim.run, verdict)
        return verdict, version

    async def _carried(self, claim: Claim) -> tuple[Verdict, str]:
        try:
            if claim.pinned:
                live = await self.pipelines.version(claim.pipeline, claim.version)
            else:
                live = self.pipelines.current(claim.pipeline)
        except JournalUnavailable:
            raise
        except JackfieldError as error:
            return Failed(f"{error}; replay the run on the current version"), claim.version
        with self.pipelines.on(live):
            verdict = await _RunExecution(self, live, claim).steps()
        if live.retired:
            await self.pipelines.close_idle()
        await self.streaks.count(live.pipeline, claim.run, verdict)
        return verdict, live.pipeline.version


class _RunExecution:
    """One passage of one run through its pipeline."""

    def __init__(self, runner: Runner, live: LivePipeline, claim: Claim) -> None:
        self._runner = runner
        self._live = live
        self._claim = claim
        self._mask = live.pipeline.mask
        self._results: JsonObject = {record.step: recalled(record) for record in claim.done}
        self._document = event_document(live.pipeline, claim.run, claim.received_at, claim.event, self._results)

    async def steps(self) -> Verdict:
        """Go through the steps that are not completed yet."""
        pipeline, claim = self._live.pipeline, self._claim
        attempt: Attempt | None = None
        for definition in pipeline.steps:
            if definition.name in self._results:
                continue
            if attempt is not None:
                await claim.checkpoint(attempt, version=pipeline.version)
            if claim.lost.is_set():
                raise LeaseLost(f"run {claim.run} was cancelled before step {definition.name}")
            document = attempt_document(self._document, claim.attempt)
            trial = _StepAttempt(self._runner, self._live, claim, definition, document, mask=self._mask)
            attempt = await trial.attempt()
            self._mask = trial.mask
            verdict = self._verdict(attempt, trial.retry_at)
            if verdict is not None:
                self._log(verdict)
                return verdict
            self._results[definition.name] = trial.result
        return Succeeded(attempt)

    def _verdict(self, attempt: Attempt, retry_at: datetime | None) -> Verdict | None:
        error = attempt.error or ""
        if retry_at is not None:
            return RetryAt(retry_at, error, attempt)
        if attempt.outcome is Outcome.ENDED:
            return Skipped(error, attempt)
        return Failed(error, attempt) if attempt.outcome is Outcome.FAILED else None

    def _log(self, verdict: Verdict) -> None:
        log = structlog.get_logger().bind(run=self._claim.run, pipeline=self._claim.pipeline)
        match verdict:
            case RetryAt(when, error):
                log.warning("step failed, will be tried again", error=error, due_at=when.isoformat())
            case Failed(error):
                log.error("run failed", error=error)
            case Skipped(reason):
                log.info("run skipped", reason=reason)


class _StepAttempt:
    """One attempt of one step. `result` is what later steps see; `retry_at` is set when there is to be another.

    `mask` hides secrets in all that is written of the attempt, and grows with those that it comes across.
    """

    def __init__(
        self,
        runner: Runner,
        live: LivePipeline,
        claim: Claim,
        definition: StepDefinition,
        document: JsonObject,
        *,
        mask: Mask,
    ) -> None:
        self._runner = runner
        self._pipeline = live.pipeline
        self._action: Action[Any] = live.actions[definition.name]
        self._claim = claim
        self._definition = definition
        self._document = document
        self.mask = mask
        self._traceback: str | None = None
        self.result: JsonValue = None
        self._stored: tuple[JsonValue, bool] = (None, False)
        self.retry_at: datetime | None = None

    async def attempt(self) -> Attempt:
        """Make the attempt. Whatever the action does, this returns."""
        definition, claim = self._definition, self._claim
        started_at, began = self._runner.now(), time.perf_counter()
        self._runner.under_way[claim.run] = UnderWay(definition.name, claim.attempt, started_at)
        claim.begin(definition.name, definition.index, started_at)
        error: str | None = None
        with self._runner.http.recording(self._masked) as exchanges:
            try:
                outcome = await self._carried_out()
            except Skip as skip:
                outcome, error = Outcome.ENDED, str(skip)
            except Exception as failure:  # noqa: BLE001 - whatever a plugin raises must end in the journal, not in the host
                outcome, error = self._failed(failure)
        elapsed = time.perf_counter() - began
        stored, masked = self._stored
        self._runner.metrics.attempted(claim.pipeline, definition.name, outcome, elapsed)
        return Attempt(
            index=definition.index,
            step=definition.name,
            number=claim.attempt,
            started_at=started_at,
            elapsed_ms=round(elapsed * 1000, 3),
            outcome=outcome,
            error=None if error is None else f"step {definition.name}: {self.mask(error)}",
            traceback=self._traceback and self.mask(self._traceback),
            result=stored,
            masked=masked,
            exchanges=tuple(exchanges),
            version=self._pipeline.version,
        )

    async def _carried_out(self) -> Outcome:
        definition = self._definition
        deadline = asyncio.get_running_loop().time() + definition.settings.timeout.total_seconds()
        refuse_deadly(self._claim.deaths, self._runner.crash_limit)
        if definition.when is not None and not definition.when.render(self._document):
            return Outcome.SKIPPED
        options = definition.options.render(self._document)
        self._conceal(*definition.options.secrets(options))
        result = await self._run_action(options, deadline)
        try:
            check_json(result)
            self.result = result
            self._stored = mask_json(self.result, self.mask)
        except TooDeepError:
            raise PermanentFailure(
                f"the action returned something that is nested more than {MOST_LEVELS} levels deep"
            ) from None
        except ValueError:
            raise PermanentFailure(f"the action returned a {type(result).__name__} that is not JSON") from None
        return Outcome.SUCCEEDED

    async def _run_action(self, options: OptionsModel, deadline: float) -> JsonValue:
        """Run the action in a task of its own, in what rendering has left of the step's time.

        So it begins in the next round of the event loop, after the calls that came in meanwhile: more of them share a
        transaction, which is worth a tenth of the throughput (bench/README.md).
        """
        seconds = self._definition.settings.timeout.total_seconds()
        try:
            async with asyncio.timeout_at(deadline) as limit:
                return await asyncio.create_task(self._guarded(options))
        except TimeoutError:
            if not limit.expired():
                raise
            raise TemporaryFailure(f"no result within {seconds:g} s (the step's timeout)") from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise PermanentFailure("the action cancelled itself") from None

    async def _guarded(self, options: OptionsModel) -> JsonValue:
        claim, name = self._claim, self._definition.name
        step = Step(claim.run, claim.pipeline, name, claim.attempt, f"{claim.root}/{name}", self._conceal)
        mask_lines(self._masked)
        try:
            return await self._runner.watchdog.guard(
                self._action.run(options, step),
                f"step {name} of pipeline {claim.pipeline}, run {claim.run}",
                claim.executing,
            )
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:  # asyncio would take these for the end of the host
            raise RuntimeError(f"it raised {error!r}") from error

    def _masked(self, text: str) -> str:
        return self.mask(text)

    def _conceal(self, *values: str) -> None:
        unknown = [value for value in values if value not in self.mask.values]
        if unknown:
            self.mask = self.mask.extended(unknown)

    def _failed(self, failure: Exception) -> tuple[Outcome, str]:
        """Decide what a failure means for the run."""
        policy, claim = self._definition.settings.retry, self._claim
        if isinstance(failure, LoopHeld) and self._runner.offenders.again(claim.run, self._definition.name):
            failure = PermanentFailure(str(failure))
        if isinstance(failure, TemporaryFailure):
            wait = policy.next_wait(claim.attempt, failure.retry_after)
            if wait is not None:
                self.retry_at = self._runner.now() + wait
                return Outcome.RETRYING, str(failure)
        elif not isinstance(failure, PermanentFailure | TemplateError | DestinationRefused):
            self._traceback = "".join(traceback.format_exception(failure))
            failure = PermanentFailure(f"the action failed with {type(failure).__name__}: {failure}")
        goes_on = self._definition.settings.on_error == "continue" and not isinstance(failure, Quarantined)
        return (Outcome.CONTINUED if goes_on else Outcome.FAILED), str(failure)
