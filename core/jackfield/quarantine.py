"""Decides when a run has ended the process too often to be carried out once more."""

from __future__ import annotations

from typing import Final

from jackfield.errors import Quarantined
from jackfield.journal.records import Deaths

_BEYOND_BLAME: Final = 5
"""How many times the limit a run may have been under way at an end that may as well have been another run's doing."""


def refuse_deadly(deaths: Deaths, limit: int) -> None:
    """Raise `Quarantined` if the process ended so often because of this run, or while it was being carried out."""
    if deaths.blamed < limit and deaths.count < limit * _BEYOND_BLAME:
        return
    times = {1: "once", 2: "twice"}.get(deaths.count, f"{deaths.count} times")
    raise Quarantined(
        f"this run was being carried out when the host died, {times}; it is quarantined, so that the host can go on: "
        "mend the cause, then replay it"
    )
