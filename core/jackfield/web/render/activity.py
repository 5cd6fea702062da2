"""What has happened in the last 24 hours: the numbers and the small charts of pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jackfield.journal.records import State
from jackfield.journal.views import Count

PERIOD: Final = timedelta(hours=24)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """The runs that came in within one hour, and how many of them failed and still stand."""

    start: datetime
    runs: int
    failed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """The runs of a pipeline that came in within the period, by hour and by the state that they are in now."""

    hours: tuple[Hour, ...]
    states: Mapping[State, int]
    repaired: int = 0
    """How many of those that failed were repaired or set aside."""

    @property
    def runs(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def failed(self) -> int:
        """How many of them failed, and were neither repaired nor set aside."""
        return self.states.get(State.FAILED, 0) - self.repaired

    @property
    def busiest(self) -> int:
        """How many came in within the hour that had most."""
        return max(hour.runs for hour in self.hours)


def activities(counts: Iterable[Count], pipelines: Iterable[str], now: datetime) -> dict[str, Activity]:
    """Sum up what `Journal.counts()` said of the period that ends now; the first hour of it is not a whole one."""
    by_pipeline: dict[str, list[Count]] = {pipeline: [] for pipeline in pipelines}
    for count in counts:
        if count.pipeline in by_pipeline:
            by_pipeline[count.pipeline].append(count)
    return {pipeline: _activity(found, now) for pipeline, found in by_pipeline.items()}


def _activity(counts: Iterable[Count], now: datetime) -> Activity:
    runs: Counter[datetime] = Counter()
    failed: Counter[datetime] = Counter()
    states: Counter[State] = Counter()
    repaired = 0
    for count in counts:
        runs[count.hour] += count.runs
        states[count.state] += count.runs
        if count.state is State.FAILED:
            failed[count.hour] += count.runs - count.repaired
            repaired += count.repaired
    first = (now - PERIOD).replace(minute=0, second=0, microsecond=0)
    hours = [first + _HOUR * number for number in range(PERIOD // _HOUR + 1)]
    return Activity(tuple(Hour(hour, runs[hour], failed[hour]) for hour in hours), states, repaired)
