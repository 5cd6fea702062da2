from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jackfield.errors import Quarantined
from jackfield.journal.records import Attempt, Deaths, Outcome
from jackfield.runs.quarantine import is_quarantine, refuse_deadly


@pytest.mark.parametrize("deaths", [Deaths(), Deaths(1, 1), Deaths(9, 0), Deaths(9, 1)])
def test_a_run_that_need_not_be_to_blame_is_carried_out_again(deaths: Deaths) -> None:
    refuse_deadly(deaths, 2)


@pytest.mark.parametrize(
    ("deaths", "limit", "times"),
    [
        (Deaths(2, 2), 2, "twice"),
        (Deaths(1, 1), 1, "once"),
        (Deaths(3, 2), 2, "3 times"),
        (Deaths(10, 0), 2, "10 times"),
    ],
)
def test_a_run_that_the_host_died_of_often_enough_is_quarantined(deaths: Deaths, limit: int, times: str) -> None:
    with pytest.raises(
        Quarantined, match=f"^this run was being carried out when the host died, {times}; .* replay it$"
    ):
        refuse_deadly(deaths, limit)


def test_an_entry_that_stands_for_a_quarantine_is_told_from_an_attempt() -> None:
    with pytest.raises(Quarantined) as refused:
        refuse_deadly(Deaths(2, 2), 2)
    at = datetime(2026, 11, 25, tzinfo=UTC)
    entry = Attempt(0, "send", 3, at, 0.0, Outcome.FAILED, error=f"step send: {refused.value}")
    assert is_quarantine(entry)
    assert not is_quarantine(replace(entry, error="step send: the host died while this step was being carried out"))
    assert not is_quarantine(replace(entry, error=None))
