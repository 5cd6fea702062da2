"""Looking for runs by a text in their events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from jackfield.journal.sqlite.file.encoding import microseconds
from jackfield.journal.sqlite.search.terms import Terms, text_of
from jackfield.journal.sqlite.search.text_index import candidates, last_indexed, read_index
from jackfield.journal.sqlite.tables.pipelines import not_running
from jackfield.journal.sqlite.tables.runs import END_OF_TIME, Position, newest, position, summary
from jackfield.journal.views import Page, Query, RunSummary

_SCANNED: Final = 5000
"""How many runs are looked at one by one for a page: the newest, when all words are too short for the index, or those
that the index names."""

_FEW: Final = 1000
"""Runs that are all looked at, without the index, when the other filters leave no more than these."""

_NEWEST: Final = "SELECT seq FROM run WHERE seq < ? ORDER BY seq DESC LIMIT ?"
_EVENT: Final = """
SELECT id, label, event FROM run JOIN payload USING (seq)
WHERE seq = :seq AND (:pipeline IS NULL OR pipeline = :pipeline) AND received_at >= :since AND received_at < :until
"""


class _Match(NamedTuple):
    seq: int
    run: RunSummary


def search_runs(connection: sqlite3.Connection, index: Path, query: Query, text: str) -> Page:
    """List runs in whose events all words of the text are, newest first."""
    terms = Terms.parse(text)
    below = position(query.cursor).seq
    few = _left_by_other_filters(connection, query)
    if few is not None:
        return _look_at(connection, query, terms, [seq for seq in few if seq < below])
    expression = terms.expression()
    if expression is None:
        return _look_at(connection, query, terms, [row[0] for row in connection.execute(_NEWEST, (below, _SCANNED))])
    last = next((row[0] for row in connection.execute(_NEWEST, (below, 1))), 0)
    reader = read_index(index)
    if reader is None:
        return Page([], None, last)
    with closing(reader):
        unindexed = max(0, last - last_indexed(reader)[0])
        named = candidates(reader, expression, below)
        found = list(islice(_matches(connection, query, terms, islice(named, _SCANNED)), query.limit + 1))
        further = next(named, None) if len(found) <= query.limit else None
    return _page(found, query.limit, None if further is None else further + 1, unindexed)


def _left_by_other_filters(connection: sqlite3.Connection, query: Query) -> list[int] | None:
    """Return the runs that the other filters leave, newest first; None if there are no other filters, or many runs."""
    if not (query.pipeline or query.states or query.since or query.until):
        return None
    found = newest(connection, replace(query, cursor=None), _FEW + 1)
    return sorted((place.seq for place in found), reverse=True) if len(found) <= _FEW else None


def _look_at(connection: sqlite3.Connection, query: Query, terms: Terms, seqs: Sequence[int]) -> Page:
    """Look at the runs themselves; the cursor leads further back, even from an empty page."""
    found = list(islice(_matches(connection, query, terms, seqs), query.limit + 1))
    return _page(found, query.limit, seqs[-1] if len(seqs) == _SCANNED else None, 0)


def _page(found: list[_Match], limit: int, scanned_to: int | None, unindexed: int) -> Page:
    last = found[limit - 1].seq if len(found) > limit else scanned_to
    cursor = None if last is None else str(Position(0, last))
    return Page([match.run for match in found[:limit]], cursor, unindexed)


def _matches(connection: sqlite3.Connection, query: Query, terms: Terms, seqs: Iterable[int]) -> Iterator[_Match]:
    held = not_running(connection)
    filters = {
        "pipeline": query.pipeline,
        "since": microseconds(query.since) if query.since else 0,
        "until": microseconds(query.until) if query.until else END_OF_TIME,
    }
    for seq in seqs:
        row = connection.execute(_EVENT, {"seq": seq, **filters}).fetchone()
        if row is None or not terms.are_in(text_of(*row)):
            continue
        run = summary(connection, seq, held)
        if query.admits(run):
            yield _Match(seq, run)
