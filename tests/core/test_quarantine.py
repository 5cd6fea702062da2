import pytest

from jackfield.errors import Quarantined
from jackfield.journal.records import Deaths
from jackfield.quarantine import refuse_deadly


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
