"""What an operator does to runs, the same from the command line and from the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from jackfield.components.values import Event, JsonObject
from jackfield.errors import JackfieldError, NotFound
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Outcome, Replay, SetAside, State, Version
from jackfield.journal.views import RunView
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.document import event_document
from jackfield.pipelines.labels import Labeller
from jackfield.problems import did_you_mean
from jackfield.runs.intake import Intake, new_id

SUCCESSES: Final = frozenset({Outcome.SUCCEEDED, Outcome.REUSED})

On: TypeAlias = Literal["original", "current"]


@dataclass(frozen=True, slots=True)
class Replays:
    """Repairs runs. `pipeline` finds the current version of a pipeline."""

    journal: Journal
    intake: Intake
    pipeline: Callable[[str], Pipeline | None]
    now: Callable[[], datetime]

    async def replay(
        self,
        id: str,
        *,
        from_step: str | None = None,
        on: On = "current",
        event: JsonObject | None = None,
        if_standing: bool = False,
    ) -> list[str]:
        """Replay a run, or accept a refused request; returns the ids of the new runs.

        With `if_standing`, a failed run that somebody has seen to is not replayed: that raises `NotStanding`.
        Raises `NotFound` if there is nothing of this id or the run has not come as far as `from_step`,
        `JackfieldError` if a refused request still cannot be accepted.
        """
        view = await self.journal.run(id)
        if view is None:
            if from_step is not None or on != "current" or event is not None:
                raise NotFound(f"there is no run {id}; a refused request can only be accepted as it is")
            return await self._accept_refused(id)
        version, edited = await self._version(view, from_step, on), _edited(view.event, event)
        label = None if edited is None else self._label(view, edited)
        replay = Replay(from_step, version, edited, label, if_standing)
        return [await self.journal.replay(id, replay, id=new_id(), at=self.now())]

    def _label(self, view: RunView, event: Event) -> str | None:
        """Label an event that was edited, as the pipeline labels those that come in."""
        pipeline, run = self.pipeline(view.summary.pipeline), view.summary
        if pipeline is None:
            return Labeller().guess(event.data)
        return pipeline.labeller.label(event, event_document(pipeline, run.id, run.received_at, event), [])

    async def set_aside(self, id: str, word: SetAside | None) -> None:
        """Note that nothing is to be done about a failed run, or that something is after all.

        Raises `NotFound` if there is no such run, `JackfieldError` if it has not failed.
        """
        if await self.journal.set_aside(id, word):
            return
        if await self.journal.run(id) is None:
            raise NotFound(f"there is no run {id}")
        raise JackfieldError(f"run {id} has not failed; only a failed run can be set aside")

    async def _version(self, view: RunView, from_step: str | None, on: On) -> str | None:
        if on == "original":
            return view.summary.version
        if from_step is None:
            return None
        pipeline = self.pipeline(view.summary.pipeline)
        if pipeline is None:
            raise NotFound(f"pipeline {view.summary.pipeline} is gone; replay on the original version")
        steps = [step.name for step in pipeline.steps]
        if from_step not in steps:
            raise NotFound(f'pipeline {pipeline.id} has no step "{from_step}"{did_you_mean(from_step, steps)}')
        if pipeline.blocked:
            raise JackfieldError(f"pipeline {pipeline.id} is blocked: {pipeline.blocked}")
        await self.journal.keep(Version(pipeline.id, pipeline.version, pipeline.text))
        return pipeline.version

    async def _accept_refused(self, id: str) -> list[str]:
        refusal = await self.journal.refusal(id)
        if refusal is None:
            raise NotFound(f"there is no run and no refused request {id}; `jackfield runs` lists them")
        pipeline = self.pipeline(refusal.pipeline)
        if pipeline is None:
            raise JackfieldError(f"request {id} was for pipeline {refusal.pipeline}, which is gone")
        return list(await self.intake.accept_refused(pipeline, refusal))


def step_to_resume(view: RunView) -> str | None:
    """Return the step that a failed run failed at, if a step before it has succeeded; a replay best begins there."""
    failed = [attempt.step for attempt in view.attempts if attempt.outcome is Outcome.FAILED]
    return failed[-1] if view.summary.state is State.FAILED and failed and has_succeeded(view) else None


def has_succeeded(view: RunView) -> bool:
    """Tell whether a step of a run has succeeded, in this run or in one that it replays."""
    return any(attempt.outcome in SUCCESSES for attempt in view.attempts)


def _edited(original: Event, data: JsonObject | None) -> Event | None:
    """Make the event to replay; a value that said nothing and is left as it was still says nothing."""
    if data is None:
        return None
    blank = frozenset(name for name in original.blank if name in data and data[name] == original.data[name])
    return Event(data, blank, original.warnings)
