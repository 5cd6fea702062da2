"""A run's way through its steps, as its page draws it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from jackfield.components.base import Action
from jackfield.components.values import Exchange, Text
from jackfield.journal.records import COMPLETED, SETTLED, Attempt, Outcome, Version
from jackfield.journal.views import RunView
from jackfield.pipelines.definition import step_name
from jackfield.runs.quarantine import is_quarantine
from jackfield.runs.runner import UnderWay
from jackfield.web.pages.runs.hints import attempt_hint
from jackfield.web.render.curl_command import CurlCommand, curl_command
from jackfield.web.render.excerpt import Excerpt, Excerpts

_WIDTH: Final = 1000.0
_NARROWEST: Final = 6.0


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """One request with its answer."""

    exchange: Exchange
    curl: CurlCommand
    request_body: Excerpt
    response_body: Excerpt

    @property
    def elapsed(self) -> timedelta:
        """How long it took."""
        return timedelta(milliseconds=self.exchange.elapsed_ms)


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """One attempt. Of the width of the waterfall, 1000, its bar begins at `left` and is `width` long."""

    attempt: Attempt
    left: float
    width: float
    hint: str | None
    result: Excerpt | None
    exchanges: Sequence[ShownExchange]

    @property
    def quarantine(self) -> bool:
        """Whether it was not made: the run was quarantined in its place."""
        return is_quarantine(self.attempt)

    @property
    def elapsed(self) -> timedelta:
        """How long it took."""
        return timedelta(milliseconds=self.attempt.elapsed_ms)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step with its attempts; `outcome` is that of the last one, None if the run has not come to it.

    The step whose turn it is has the number of the `coming` attempt, or the one that is under way, whose bar begins at
    `left`.
    """

    name: str
    title: Text
    attempts: Sequence[ShownAttempt]
    outcome: Outcome | None
    coming: int | None = None
    under_way: UnderWay | None = None
    left: float = 0.0


def run_timeline(
    view: RunView,
    version: Version | None,
    actions: Mapping[str, type[Action[Any]]],
    now: datetime,
    excerpts: Excerpts,
    *,
    under_way: UnderWay | None = None,
) -> list[ShownStep]:
    """List the steps of a run in their order, those included that it has not reached, if its version is known."""
    names = dict(steps_of(version))
    names |= {attempt.step: names.get(attempt.step, "") for attempt in view.attempts}
    if under_way and any((one.step, one.number) == under_way[:2] for one in view.attempts):
        under_way = None
    if under_way and view.summary.state not in SETTLED:
        names.setdefault(under_way.step, "")
    start = min([view.summary.received_at, *(attempt.started_at for attempt in view.attempts)])
    ends = [attempt.started_at + timedelta(milliseconds=attempt.elapsed_ms) for attempt in view.attempts]
    span = (max([view.summary.finished_at or now, *ends]) - start).total_seconds() or 0.001
    shown = []
    for name, use in names.items():
        own = [attempt for attempt in view.attempts if attempt.step == name]
        title = actions[use].title if use in actions else use
        attempts = [_shown(attempt, start, span, excerpts) for attempt in own]
        shown.append(ShownStep(name, title, attempts, own[-1].outcome if own else None))
    return shown if view.summary.state in SETTLED else _with_turn(shown, under_way, start, span)


def turn_of(steps: Sequence[ShownStep]) -> ShownStep | None:
    """Return the step whose turn it is; None if the run is settled, or which steps it has is not known."""
    return next((step for step in steps if step.under_way or step.coming), None)


def _with_turn(steps: Sequence[ShownStep], under_way: UnderWay | None, start: datetime, span: float) -> list[ShownStep]:
    """Say of the step whose turn it is which attempt is under way, or comes next."""
    coming = next((step.name for step in steps if step.outcome not in COMPLETED), None)
    turn = under_way.step if under_way else coming
    left = min(_left(under_way.since, start, span), _WIDTH - _NARROWEST) if under_way else 0.0
    return [
        replace(step, coming=_coming(step), under_way=under_way, left=round(left, 1)) if step.name == turn else step
        for step in steps
    ]


def _coming(step: ShownStep) -> int:
    return step.attempts[-1].attempt.number + 1 if step.attempts else 1


def _left(at: datetime, start: datetime, span: float) -> float:
    return max(0.0, (at - start).total_seconds() / span * _WIDTH)


def _shown(attempt: Attempt, start: datetime, span: float, excerpts: Excerpts) -> ShownAttempt:
    reused = attempt.outcome is Outcome.REUSED
    left = _left(attempt.started_at, start, span)
    width = max(_NARROWEST, attempt.elapsed_ms / 1000 / span * _WIDTH)
    left = min(left, _WIDTH - _NARROWEST)
    return ShownAttempt(
        attempt=attempt,
        left=0.0 if reused else round(left, 1),
        width=0.0 if reused else round(min(width, _WIDTH - left), 1),
        hint=attempt_hint(attempt),
        result=None if attempt.result is None else excerpts.json(attempt.result),
        exchanges=[_exchange(exchange, excerpts) for exchange in attempt.exchanges],
    )


def _exchange(exchange: Exchange, excerpts: Excerpts) -> ShownExchange:
    bodies = (excerpts.body(exchange.request_body), excerpts.body(exchange.response_body))
    command = curl_command(exchange)
    if not excerpts.takes(command.text):
        command = curl_command(exchange, with_body=False)
    return ShownExchange(exchange, command, *bodies)


def steps_of(version: Version | None) -> list[tuple[str, str]]:
    """Read the names of a version's steps, and which actions they use."""
    try:
        tables = tomllib.loads(version.text).get("steps", []) if version else []
    except tomllib.TOMLDecodeError:
        return []
    found = tables if isinstance(tables, list) else ()
    return [(step_name(table), str(table.get("use", ""))) for table in found if isinstance(table, dict)]
