"""Decides when a run has done so much harm to the host that it is not carried out once more."""

from __future__ import annotations

from typing import Final

from jackfield.errors import Quarantined
from jackfield.journal.records import Attempt, Deaths, Outcome

_BEYOND_BLAME: Final = 5
"""A run that was under way at this many times the limit of ends is quarantined, though others may have caused them."""
_REMEMBERED: Final = 10_000
_SAID: Final = "this run was being carried out when the host died, "
"""How the reason begins."""


class Offenders:
    """Remembers, as long as the process lives, in which step a run has held up the event loop: the newest 10,000."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}

    def again(self, run: str, step: str) -> bool:
        """Note that a step has held up the loop; say whether it had done so before."""
        before = self._steps.pop(run, None)
        self._steps[run] = step
        if len(self._steps) > _REMEMBERED:
            del self._steps[next(iter(self._steps))]
        return before == step

    def forget(self, run: str) -> None:
        """The run is settled."""
        self._steps.pop(run, None)


def refuse_deadly(deaths: Deaths, limit: int) -> None:
    """Raise `Quarantined` if the process ended so often because of this run, or while it was being carried out."""
    if deaths.blamed < limit and deaths.count < limit * _BEYOND_BLAME:
        return
    times = {1: "once", 2: "twice"}.get(deaths.count, f"{deaths.count} times")
    raise Quarantined(
        f"this run was being carried out when the host died, {times}; it is quarantined, so that the host can go on: "
        "mend the cause, then replay it"
    )


def is_quarantine(attempt: Attempt) -> bool:
    """Say whether this entry of the journal stands for no attempt: the run was quarantined in place of one."""
    return attempt.outcome is Outcome.FAILED and (attempt.error or "").startswith(f"step {attempt.step}: {_SAID}")
