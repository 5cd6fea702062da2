"""The values that go into the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from jackfield.components.units import RateValue
from jackfield.components.values import Event, Exchange


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


SETTLED = frozenset({State.SUCCEEDED, State.SKIPPED, State.FAILED, State.CANCELLED})
"""States that a run does not leave."""


class Mode(StrEnum):
    """What a pipeline does with events: take and run them, take and keep them, turn them away."""

    RUNNING = "running"
    HELD = "held"
    STOPPED = "stopped"


class Outcome(StrEnum):
    """How one attempt of one step ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    """The step's `when` said no; the run goes on."""
    ENDED = "ended"
    """The action ended the run on purpose (`Skip`)."""
    RETRYING = "retrying"
    """The attempt failed and another one is scheduled."""
    CONTINUED = "continued"
    """The step failed for good, and the run goes on (`on_error = "continue"`)."""
    FAILED = "failed"
    """The step failed for good, and the run with it."""
    REUSED = "reused"
    """A replay took the result over from the run that it replays."""


COMPLETED = frozenset({Outcome.SUCCEEDED, Outcome.SKIPPED, Outcome.CONTINUED, Outcome.REUSED})
"""Outcomes after which the next step's turn comes."""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as the journal keeps it: confidential values masked, `body` as text where it is text.

    `encoding` is "utf-8" for text and "base64" for anything else. `cut` says that the body was longer than what is
    kept; the body of a refused request is never cut. `masked` says that a secret was taken out of something else than
    what the source calls confidential and the headers that hold credentials.
    """

    method: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: str
    encoding: Literal["utf-8", "base64"] = "utf-8"
    cut: bool = False
    masked: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """An operator's word that nothing is to be done about a failed run: when, who, and why."""

    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class NewRun:
    """An event that is to become a run. `id` is a UUIDv7; `request` is what the event was read out of."""

    id: str
    pipeline: str
    version: str
    received_at: datetime
    event: Event
    request: StoredRequest
    order_key: str | None = None
    dedupe_key: str | None = None
    dedupe_within: timedelta | None = None
    """How far back a run with the same key makes this one a duplicate; None: as far as the journal goes."""
    label: str | None = None
    """Whom or what the event is about, in a few words."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a `NewRun`: a run of its own, or recorded on the run `duplicate_of`."""

    id: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was turned down, complete, so that it can be accepted later."""

    id: str
    pipeline: str
    received_at: datetime
    status: int
    reason: str
    request: StoredRequest
    accepted_as: Sequence[str] = ()
    """The runs that it became when an operator accepted it after all."""
    label: str | None = None
    """Whom or what its first event is about, where that could be read. The journal does not have it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one step: what was sent, what came back, how long it took, how it ended.

    `index` is the step's place in the pipeline, from 0; `number` counts the step's tries, from 1; `result` is what
    the action returned, null unless it succeeded, and `masked` says that secrets were taken out of it; `traceback` is
    there when the action itself is at fault. `version` is the version of the pipeline that made the attempt; None for
    attempts of before this was noted down.
    """

    index: int
    step: str
    number: int
    started_at: datetime
    elapsed_ms: float
    outcome: Outcome
    error: str | None = None
    traceback: str | None = None
    result: JsonValue = None
    masked: bool = False
    exchanges: Sequence[Exchange] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that a run has behind it, with its result; `masked` says that secrets were taken out of that."""

    index: int
    step: str
    result: JsonValue
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The run came to its end; `attempt` is its last one."""

    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An action ended the run on purpose."""

    reason: str
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class RetryAt:
    """The run goes on, not before `when`: the step failed and is to be tried again.

    Without an attempt nothing was tried: the run is put off, and the number of the coming attempt stays.
    """

    when: datetime
    error: str
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The run failed for good."""

    error: str
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Deaths:
    """At how many unclean ends of the host the coming step of a run was being carried out.

    `blamed` counts those at which it must have been this run that ended the process: its code was executing, or it was
    carried out alone, after an earlier end had made it a suspect.
    """

    count: int = 0
    blamed: int = 0


NO_DEATHS: Final = Deaths()

Verdict: TypeAlias = Succeeded | Skipped | RetryAt | Failed
"""How a handler leaves a run. The attempt that led to it is written in the same transaction."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a pipeline's runs may go: at once, and from one start to the next."""

    concurrency: int = 10
    rate: RateValue | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A pipeline's definition as it was: `id` is a hash of it, `text` the file."""

    pipeline: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What is asked of a replay: from which step, on which version, with which event.

    `from_step` None runs all steps; `version` None means whatever version is current when the run starts;
    `event` None takes the original's, and its label; `label` is that of another event. With `if_standing`, a failed
    run is replayed only if nobody has repaired it or set it aside, and no replay of it is under way.
    """

    from_step: str | None = None
    version: str | None = None
    event: Event | None = None
    label: str | None = None
    if_standing: bool = False


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """A pipeline's mode, since when and why."""

    mode: Mode = Mode.RUNNING
    since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """What the journal keeps: for how long, and how many bytes on disk."""

    age: timedelta
    size: int
