"""Which failed runs somebody still has to see to: those that no replay has repaired and nobody has set aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from jackfield.errors import NotStanding
from jackfield.journal.records import SetAside, State
from jackfield.journal.sqlite.file.encoding import dump
from jackfield.journal.views import Glance

# A partial index is used only by a query that spells its condition as the index does.
STANDING: Final = "state = 'failed' AND repaired_by IS NULL AND replaced_by IS NULL AND set_aside IS NULL"

_WELL: Final = frozenset({State.SUCCEEDED, State.SKIPPED})
"""States in which a replay has done what was to be done for its event."""

_FAMILY: Final = """
WITH RECURSIVE earlier (id, replay_of) AS (
    SELECT id, replay_of FROM run WHERE id = :run
    UNION SELECT run.id, run.replay_of FROM run JOIN earlier ON run.id = earlier.replay_of
), family (id) AS (
    SELECT id FROM earlier UNION SELECT run.id FROM run JOIN family ON run.replay_of = family.id
)
"""
_REPAIR: Final = f"""{_FAMILY}
UPDATE run SET repaired_by = :run
WHERE id IN (SELECT id FROM family) AND id != :run AND state = 'failed' AND repaired_by IS NULL
"""  # noqa: S608
_REPAIRED_MEANWHILE: Final = f"""{_FAMILY}
SELECT other.id FROM family CROSS JOIN run AS other USING (id)
WHERE other.state IN ('succeeded', 'skipped')
    AND other.finished_at >= (SELECT received_at FROM run WHERE id = :run)
ORDER BY other.seq LIMIT 1
"""  # noqa: S608
_REPLACE: Final = f"""{_FAMILY}
UPDATE run SET replaced_by = :run WHERE id IN (SELECT id FROM family) AND id != :run AND {STANDING}
"""  # noqa: S608
_IS_REPLAYED: Final = "SELECT EXISTS (SELECT 1 FROM run WHERE replay_of = ?)"
_SET_ASIDE: Final = "UPDATE run SET set_aside = ? WHERE id = ? AND state = 'failed'"
_FATE: Final = "SELECT state, repaired_by, replaced_by, set_aside FROM run WHERE id = ?"
_UNDER_WAY: Final = "SELECT id FROM run WHERE replay_of = ? AND state IN ('queued', 'running', 'waiting') LIMIT 1"
_GLANCE: Final = f"""
SELECT id, state, {STANDING}, state = 'failed' AND EXISTS (
    SELECT 1 FROM attempt WHERE attempt.run = run.seq AND outcome IN ('succeeded', 'reused')
), label, error FROM run WHERE id = ?
"""  # noqa: S608


def note_repairs(connection: sqlite3.Connection, run: str, replay_of: str | None, state: State) -> None:
    """Note down what the end of a run means for the failed runs that it replays, or that replay the same one.

    A run that fails while another one of its family has ended well meanwhile is repaired as soon as it fails.
    """
    if replay_of is not None and state in _WELL:
        connection.execute(_REPAIR, {"run": run})
    elif state is State.FAILED:
        _note_failure(connection, run, replay_of)


def _note_failure(connection: sqlite3.Connection, run: str, replay_of: str | None) -> None:
    if replay_of is None and not connection.execute(_IS_REPLAYED, (run,)).fetchone()[0]:
        return
    if repairer := connection.execute(_REPAIRED_MEANWHILE, {"run": run}).fetchone():
        connection.execute("UPDATE run SET repaired_by = ? WHERE id = ?", (*repairer, run))
    elif replay_of is not None:
        connection.execute(_REPLACE, {"run": run})


def set_aside(connection: sqlite3.Connection, run: str, word: SetAside | None) -> bool:
    """Set a failed run aside, or take that back; False if it has not failed."""
    column = None if word is None else dump(word)
    return bool(connection.execute(_SET_ASIDE, (column, run)).rowcount)


def see_that_it_stands(connection: sqlite3.Connection, run: str) -> None:
    """Raise `NotStanding` if nothing is left to do about a failed run, or a replay of it is just doing that."""
    state, repaired_by, replaced_by, aside = connection.execute(_FATE, (run,)).fetchone()
    if state != State.FAILED.value:
        return
    if repaired_by is not None:
        raise NotStanding(f"run {run} was repaired by {repaired_by}; replay it by itself to run it once more")
    if aside is not None:
        raise NotStanding(f"run {run} was set aside; replay it by itself to run it once more")
    if replaced_by is not None:
        raise NotStanding(f"run {run} was replayed as {replaced_by}, which failed as well; replay that one")
    if under_way := connection.execute(_UNDER_WAY, (run,)).fetchone():
        raise NotStanding(f"a replay of run {run} is under way: {under_way[0]}; wait for its end")


def glance(connection: sqlite3.Connection, runs: Sequence[str]) -> list[Glance]:
    """Say in short how runs are."""
    rows = [row for run in runs for row in connection.execute(_GLANCE, (run,))]
    return [
        Glance(id, State(state), bool(stands), bool(resumable), label, error)
        for id, state, stands, resumable, label, error in rows
    ]
