from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jackfield.components.host_keys.retry import RetryPolicy

YEAR = timedelta(days=365)

durations = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=YEAR)


@st.composite
def policies(draw: st.DrawFn, attempts: int = 2**31) -> RetryPolicy:
    first, longest = sorted((draw(durations), draw(durations)))
    return RetryPolicy(attempts=attempts, first_wait=first, longest_wait=longest)


def next_wait(policy: RetryPolicy, attempt: int, retry_after: timedelta | None = None) -> timedelta:
    wait = policy.next_wait(attempt, retry_after)
    assert wait is not None
    return wait


def complaint(**options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        RetryPolicy(**options)
    return str(caught.value)


def test_the_defaults_are_eight_attempts_from_five_seconds_to_an_hour() -> None:
    assert RetryPolicy().model_dump() == {"attempts": 8, "first_wait": "5 s", "longest_wait": "1 h"}


def test_the_default_waits_reach_from_five_seconds_to_an_hour() -> None:
    waits = [next_wait(RetryPolicy(), attempt).total_seconds() for attempt in range(1, 8)]

    assert 5 <= waits[0] <= 10
    assert 1800 <= waits[-1] <= 3600


def test_options_are_written_as_in_a_pipeline_file() -> None:
    policy = RetryPolicy.model_validate({"attempts": 3, "first_wait": "2 min", "longest_wait": "2 days"})

    assert (policy.attempts, policy.first_wait, policy.longest_wait) == (3, timedelta(minutes=2), timedelta(days=2))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"attempts": 0}, "greater than or equal to 1"),
        ({"first_wait": "0 s"}, "greater than 0 seconds"),
        ({"longest_wait": "366 days"}, "less than or equal to 365 days"),
        ({"longest_wait": "2 s"}, "first_wait (5 s) is longer than longest_wait (2 s)"),
        ({"tries": 3}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], expected: str) -> None:
    assert expected in complaint(**options)


def test_every_option_speaks_english_and_russian() -> None:
    for name, option in RetryPolicy.model_json_schema()["properties"].items():
        assert option["title"], name
        assert option["description"], name
        assert option["ru"].keys() == {"title", "description"}


@given(st.integers(1, 20), st.integers(0, 100))
def test_there_are_as_many_attempts_as_configured(attempts: int, more: int) -> None:
    policy = RetryPolicy(attempts=attempts)

    assert policy.next_wait(attempts + more, None) is None
    assert policy.next_wait(attempts + more, timedelta(hours=1)) is None
    assert all(policy.next_wait(attempt, None) is not None for attempt in range(1, attempts))


@given(policies(), st.integers(1, 2**31 - 1))
def test_a_wait_is_between_the_first_and_the_longest(policy: RetryPolicy, attempt: int) -> None:
    assert policy.first_wait <= next_wait(policy, attempt) <= policy.longest_wait


@given(policies(), st.integers(1, 50))
def test_waits_never_get_shorter(policy: RetryPolicy, attempt: int) -> None:
    later = next_wait(policy, attempt + 1)

    assert later >= min(next_wait(policy, attempt), policy.longest_wait / 2)


@given(policies(), st.integers(1, 2**31 - 1), st.timedeltas())
def test_a_wait_is_what_the_destination_asks_for_up_to_the_longest(
    policy: RetryPolicy, attempt: int, retry_after: timedelta
) -> None:
    wait = next_wait(policy, attempt, retry_after)

    assert min(retry_after, policy.longest_wait) <= wait <= policy.longest_wait
    assert wait >= policy.first_wait


def test_runs_that_failed_together_do_not_come_back_together() -> None:
    for attempt in (1, 4, 100):
        assert len({next_wait(RetryPolicy(attempts=1000), attempt) for _ in range(20)}) == 20


def test_a_policy_with_equal_waits_does_not_vary() -> None:
    policy = RetryPolicy.model_validate({"attempts": 1000, "first_wait": "10 s", "longest_wait": "10 s"})

    assert {next_wait(policy, attempt) for attempt in (1, 2, 3, 999)} == {timedelta(seconds=10)}
