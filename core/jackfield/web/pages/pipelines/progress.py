"""How many runs got beyond each step of a pipeline, and how many stand at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jackfield.journal.records import COMPLETED, State
from jackfield.journal.views import StepCount

SHOWN: Final = (State.RUNNING, State.QUEUED, State.HELD, State.WAITING, State.FAILED, State.SKIPPED, State.CANCELLED)
"""The states that runs stand at a step in, in the order in which they are shown."""


@dataclass(slots=True)
class Progress:
    """How many runs got beyond a step, and how many stand at it, or ended there, by their state.

    `uncertain` are those of these numbers that may be larger: the ones of states whose runs were not all looked at.
    """

    passed: int = 0
    here: Counter[State] = field(default_factory=Counter)
    uncertain: frozenset[State] = frozenset()

    @property
    def states(self) -> list[tuple[State, int]]:
        """The states that runs stand here in, with how many."""
        return [(state, self.here[state]) for state in SHOWN if self.here[state]]


def progress_of(standings: Iterable[StepCount], versions: Mapping[str, Sequence[str]]) -> dict[str, Progress]:
    """Sum standings up for each step, by its name; `versions` has the names of the steps of each version in order."""
    standings = list(standings)
    uncertain = frozenset(standing.state for standing in standings if standing.more)
    names = dict.fromkeys(name for steps in versions.values() for name in steps)
    found = {name: Progress(uncertain=uncertain) for name in names}
    for standing in standings:
        steps = versions.get(standing.version, ())
        if standing.step is not None and standing.step not in steps:
            continue
        reached = _reached(standing, steps)
        for name in steps[:reached]:
            found[name].passed += standing.runs
        for name in steps[reached : reached + 1]:
            found[name].here[standing.state] += standing.runs
    return found


def _reached(standing: StepCount, steps: Sequence[str]) -> int:
    """Say how many steps a run has behind it."""
    if standing.state is State.SUCCEEDED:
        return len(steps)
    if standing.step is None:
        return 0
    return steps.index(standing.step) + (standing.outcome in COMPLETED)
