"""What the journal is asked for, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from jackfield.components.values import Event
from jackfield.journal.records import Attempt, Outcome, SetAside, State, StoredRequest, Version


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A definition that the journal has, and when it was first kept; None if that was before this was noted down."""

    version: Version
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs to list, newest first. `text` is words that all have to be in the event.

    They may be in any order and any case, parts of words, and of a phone number the digits count.

    Without `repaired`, failed runs are listed only as long as they stand: see `RunSummary.stands`.
    """

    pipeline: str | None = None
    states: frozenset[State] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    cursor: str | None = None
    limit: int = 50
    repaired: bool = True

    def admits(self, run: RunSummary) -> bool:
        """Tell whether the run is in one of the states that are asked for."""
        stands = self.repaired or run.state is not State.FAILED or run.stands
        return stands and (not self.states or run.state in self.states)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as a list shows it.

    `label` says in a few words whom or what the event is about. Of a failed run, `repaired_by` is the replay that did
    what the run should have done; `replaced_by` is a later replay that failed as well, and stands for the run;
    `set_aside` is an operator's word that nothing is to be done about it.
    """

    id: str
    pipeline: str
    version: str
    state: State
    received_at: datetime
    finished_at: datetime | None
    due_at: datetime | None
    error: str | None
    warnings: Sequence[str]
    duplicates: int
    replay_of: str | None
    repaired_by: str | None = None
    replaced_by: str | None = None
    set_aside: SetAside | None = None
    label: str | None = None

    @property
    def stands(self) -> bool:
        """Whether the run is a failure that somebody still has to see to."""
        settled = self.repaired_by or self.replaced_by or self.set_aside
        return self.state is State.FAILED and not settled


@dataclass(frozen=True, slots=True)
class Glance:
    """What a job for many runs has to know of one: `stands` as `RunSummary.stands`.

    `resumable` says that the run failed with a step behind it that has succeeded: a replay can begin at a later one.
    """

    id: str
    state: State
    stands: bool
    resumable: bool
    label: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event that was taken for the one of an earlier run, and when it came in."""

    received_at: datetime
    event: Event


MOST_DUPLICATES: Final = 20
"""How many duplicates are shown with a run."""


@dataclass(frozen=True, slots=True)
class DuplicateEntry:
    """A duplicate as a list shows it, with the run that it was recorded on; `number` is its place in the list."""

    number: int
    run: str
    pipeline: str
    received_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with all that happened to it.

    `duplicates` are in the order in which they came in; of more than `MOST_DUPLICATES` the newest, while `summary` has
    the number of all.
    """

    summary: RunSummary
    event: Event
    request: StoredRequest
    attempts: Sequence[Attempt]
    duplicates: Sequence[Duplicate]
    replays: Sequence[str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the runs that match. `cursor` gets the next page, None on the last one; one before may be empty.

    `unindexed` is how many of the newest runs the text search has not taken in yet; 0 without a text.
    """

    runs: Sequence[RunSummary]
    cursor: str | None
    unindexed: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """How many runs of a pipeline that came in within an hour are in a state now.

    Of failed runs, `repaired` do not stand any more: see `RunSummary.stands`.
    """

    pipeline: str
    hour: datetime
    state: State
    runs: int
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many runs of a version are in a state now, and of which step their last attempt was; None: they had none.

    Of runs that succeeded the step is not told: they have all steps behind them. Of failed runs only those are counted
    that stand (`RunSummary.stands`). `more`: only the newest runs in this
    state were looked at, and there are others.
    """

    version: str
    state: State
    runs: int
    step: str | None = None
    outcome: Outcome | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done: runs queued, waiting and running, and since when the oldest has been queued.

    `failures` counts for each pipeline the failed runs that stand, if there are any: see `RunSummary.stands`.
    """

    states: Mapping[State, int] = field(default_factory=dict)
    oldest: datetime | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
