"""A job: one order for many runs, what it was done to, and how the runs that it made ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import Glance, Query
from jackfield.runs.replay import On

MOST_RUNS: Final = 100_000
"""How many runs one job takes in, the newest ones."""
SHOWN_FAILURES: Final = 50


class Deed(StrEnum):
    """What is done to each run."""

    REPLAY = "replay"
    CANCEL = "cancel"
    RETRY = "retry"
    SET_ASIDE = "set_aside"

    @property
    def repairs(self) -> bool:
        """Whether it sees to failed runs, so that those that somebody has seen to are left out."""
        return self in (Deed.REPLAY, Deed.SET_ASIDE)


class Phase(StrEnum):
    """How far a job is."""

    GATHERING = "gathering"
    """It looks for the runs that match."""
    ASKED = "asked"
    """It knows them, and waits for somebody to say yes."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Somebody ended it early, or the host ends."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    `from_failed` and `on` are about replays: from the step that failed, on which version. With `repaired`, it is done
    to failed runs that do not stand any more, too. `note` is why runs are set aside.
    """

    deed: Deed
    from_failed: bool = False
    on: On = "current"
    repaired: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A run, what its event is about, and what went wrong with it."""

    run: str
    label: str | None
    error: str


@dataclass(slots=True)
class Job:
    """One order for many runs, and how far it is. Only the host that has it knows it: it ends with the host."""

    id: str
    order: Order
    asked_by: str
    asked_at: datetime
    query: Query | None = None
    """What they were looked for by; None if they were chosen one by one."""
    matched: list[str] = field(default_factory=list)
    """The runs that matched when it was asked for; those that come later are not among them."""
    repaired: set[str] = field(default_factory=set)
    """Those of them that failed and do not stand any more: see `RunSummary.stands`."""
    resumable: int = 0
    """How many of the others failed with a step behind them that has succeeded."""
    more: bool = False
    """Whether more matched than a job takes in."""
    phase: Phase = Phase.GATHERING
    done: int = 0
    failed: int = 0
    failures: list[JobFailure] = field(default_factory=list)
    """The first runs to which it could not be done, and why."""
    fault: str | None = None
    """Why the runs could not be gathered."""
    labels: dict[str, str] = field(default_factory=dict)
    """What the events of the matched runs are about, as far as that is known."""
    made: int = 0
    """How many new runs there are by now."""
    open: dict[str, None] = field(default_factory=dict)
    """Those of them that had not ended when they were last looked at, in the order in which they were made."""
    ended: Counter[State] = field(default_factory=Counter)
    """How the others have ended."""
    failed_again: list[JobFailure] = field(default_factory=list)
    """The first of them that failed, and why."""

    @property
    def runs(self) -> Sequence[str]:
        """The runs that it is done to."""
        left_out = set() if self.order.repaired else self.repaired
        return [run for run in self.matched if run not in left_out] if left_out else self.matched

    @property
    def over(self) -> bool:
        """Whether nothing more will be done to runs."""
        return self.phase in (Phase.DONE, Phase.STOPPED)

    def take_in(self, found: Iterable[Glance]) -> None:
        """Note which runs that matched were seen to already, and which can go on where they failed."""
        for one in found:
            if one.state is State.FAILED and not one.stands:
                self.repaired.add(one.id)
            else:
                self.resumable += one.resumable
            if one.label:
                self.labels[one.id] = one.label

    def found_all(self) -> None:
        """Note that there are no more runs to be looked for."""
        if self.phase is Phase.GATHERING:
            self.phase = Phase.ASKED

    def failed_with(self, run: str, error: str) -> None:
        """Note that it could not be done to a run."""
        self.failed += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append(JobFailure(run, self.labels.get(run), error))

    def succeeded_with(self, made: Iterable[str]) -> None:
        """Note that it was done to a run, and which new runs that has made."""
        self.done += 1
        for run in made:
            self.made += 1
            self.open[run] = None

    def look_at(self, asked: Iterable[str], found: Iterable[Glance]) -> None:
        """Note how new runs have ended; one that is gone by now has ended, too, nobody knows how."""
        known = {one.id: one for one in found}
        for run in asked:
            one = known.get(run)
            if run not in self.open:
                continue
            del self.open[run]
            if one is not None and one.state not in SETTLED:
                self.open[run] = None  # at the end, so that every one gets its turn
                continue
            if one is not None:
                self.ended[one.state] += 1
            if one is not None and one.state is State.FAILED and len(self.failed_again) < SHOWN_FAILURES:
                self.failed_again.append(JobFailure(one.id, one.label, one.error or ""))
