"""What a host that died was carrying out, written into the journal by the next one.

A run whose code was executing is to blame. Where all of them waited (a thread, or the system, ended the process), it
may have been any: they are suspects, and are carried out one at a time, so that the next end shows which it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

from jackfield.journal.records import Attempt, Outcome
from jackfield.journal.sqlite.file.encoding import attempt_row, moment
from jackfield.journal.sqlite.queue.flight import Flight
from jackfield.journal.sqlite.queue.startable import requeue_running
from jackfield.journal.sqlite.queue.transitions import insert_attempt

DIED: Final = "the host died while this step was being carried out"

_LONGEST: Final = 5.0
"""Seconds that suspects may keep other runs waiting."""

_FIND: Final = "SELECT deaths FROM run WHERE seq = ? AND id = ? AND state IN ('queued', 'running')"
_COUNT: Final = "UPDATE run SET deaths = deaths + 1, blamed = blamed + ?, tries = tries + 1, error = ? WHERE seq = ?"


class Isolation:
    """Keeps suspects apart from each other and from everything else, for some seconds at most."""

    def __init__(self, suspects: Iterable[int] = ()) -> None:
        self._suspects = set(suspects)
        self._until = monotonic() + _LONGEST

    def __bool__(self) -> bool:
        return bool(self._suspects) and monotonic() < self._until

    def admits(self, run: int, under_way: int) -> bool:
        """Say whether a run may start now, when so many are under way."""
        return not self or (run in self._suspects and not under_way)

    def done(self, run: int) -> None:
        """A run has come to an end, and the host lives."""
        self._suspects.discard(run)


def begin_work(connection: sqlite3.Connection, left: Sequence[Flight]) -> list[int]:
    """Requeue what was running, count what was under way when the host died; return those runs."""
    requeue_running(connection)
    found = [(flight, _deaths(connection, flight)) for flight in left]
    suspects = [(flight, deaths) for flight, deaths in found if deaths is not None]
    for flight, deaths in suspects:
        alone = len(suspects) == 1 and deaths > 0
        error = f"step {flight.step}: {DIED}"
        connection.execute(_COUNT, (flight.executing or alone, error, flight.seq))
        made = Attempt(
            flight.place, flight.step, flight.number, moment(flight.started_at), 0.0, Outcome.RETRYING, error
        )
        insert_attempt(connection, flight.seq, attempt_row(made))
    return [flight.seq for flight, _ in suspects]


def _deaths(connection: sqlite3.Connection, flight: Flight) -> int | None:
    """Return at how many ends this run was under way before; None if it is settled, or is none of this journal's."""
    row = connection.execute(_FIND, (flight.seq, flight.run)).fetchone()
    return row[0] if row else None
