from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from jackfield.components.units import (
    Duration,
    Rate,
    RateValue,
    Size,
    duration_words,
    parse_duration,
    parse_rate,
    parse_size,
)

CENTURY = timedelta(days=36_500)
PARSERS: list[Callable[[object], object]] = [parse_duration, parse_size, parse_rate]


class Options(BaseModel):
    wait: Duration = timedelta(seconds=5)
    limit: Size = 1000
    pace: Rate = RateValue(timedelta(seconds=1), "1/s")


@pytest.mark.parametrize(
    ("words", "duration"),
    [
        ("5 s", timedelta(seconds=5)),
        ("5s", timedelta(seconds=5)),
        ("  250 ms ", timedelta(milliseconds=250)),
        ("10 min", timedelta(minutes=10)),
        ("10 m", timedelta(minutes=10)),
        ("1.5 h", timedelta(minutes=90)),
        ("1 HOUR", timedelta(hours=1)),
        ("30 days", timedelta(days=30)),
        ("0 s", timedelta(0)),
    ],
)
def test_a_duration_is_read_as_people_write_it(words: str, duration: timedelta) -> None:
    assert parse_duration(words) == duration


@given(st.timedeltas(timedelta(0), CENTURY))
def test_a_duration_said_in_words_is_read_back_exactly(duration: timedelta) -> None:
    assert parse_duration(duration_words(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0 ms"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(hours=48), "2 days"),
        (timedelta(milliseconds=1500), "1500 ms"),
        (timedelta(microseconds=1), "0.001 ms"),
    ],
)
def test_a_duration_is_said_in_the_largest_unit_that_fits(duration: timedelta, words: str) -> None:
    assert duration_words(duration) == words


@given(st.timedeltas(timedelta(0), CENTURY))
def test_any_duration_that_is_taken_can_be_added_to_a_date(duration: timedelta) -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC) + parse_duration(duration) >= datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("duration", [timedelta(microseconds=-1), timedelta.min, CENTURY + timedelta(1), timedelta.max])
def test_a_duration_must_be_between_nothing_and_a_century(duration: timedelta) -> None:
    with pytest.raises(ValueError, match="36500 days"):
        parse_duration(duration)


@given(st.integers(0, 2**53))
def test_whole_bytes_are_taken_as_they_are(size: int) -> None:
    assert parse_size(size) == parse_size(f"{size} B") == size


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("64 KB", 64_000),
        ("1 KiB", 1024),
        ("1.9 KiB", 1946),
        ("1.5mb", 1_500_000),
        ("2 GB", 2 * 10**9),
        ("1 GiB", 2**30),
        ("0 B", 0),
    ],
)
def test_a_size_is_read_as_people_write_it(words: str, size: int) -> None:
    assert parse_size(words) == size


@pytest.mark.parametrize("value", [-1, True, 1.5, 2**53 + 1, 10**400, "10000000 GB"])
def test_a_size_must_be_a_number_of_bytes_that_exists(value: object) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("words", "every"),
    [
        ("7/s", timedelta(seconds=1) / 7),
        ("100 / min", timedelta(milliseconds=600)),
        ("0.5/h", timedelta(hours=2)),
    ],
)
def test_a_rate_gives_the_time_from_one_to_the_next(words: str, every: timedelta) -> None:
    assert parse_rate(words).every == every


@given(st.floats(0.001, 100_000), st.sampled_from(["s", "min", "h"]))
def test_a_rate_is_read_back_from_its_words(number: float, unit: str) -> None:
    rate = parse_rate(f" {number:f}/{unit}")
    assert parse_rate(rate.words) == parse_rate(rate) == rate
    assert timedelta(0) < rate.every <= CENTURY


@pytest.mark.parametrize("words", ["0/s", "0.0/h", "0.000000000001/h", "99999999/s", "1" + "0" * 400 + "/s"])
def test_a_rate_must_be_one_that_can_be_kept(words: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        parse_rate(words)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("number", ["9" * 400, "9" * 4000 + ".5", "1" + "0" * 30])
@pytest.mark.parametrize("unit", [" s", " days", " GB", "/s"])
def test_a_huge_number_is_an_ordinary_mistake(parse: Callable[[object], object], number: str, unit: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(number + unit)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "value",
    ["", "5", "s", "-5 s", "5 s 3", "5,5 s", "\N{ARABIC-INDIC DIGIT FIVE} s", "1e3 s", "nan s", None, 5.0, [], b"5 s"],
)
def test_what_is_no_quantity_is_named_in_the_error(parse: Callable[[object], object], value: object) -> None:
    with pytest.raises(ValueError, match="is not a") as caught:
        parse(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(("parse", "words"), [(parse_duration, "5 GB"), (parse_size, "5 min"), (parse_rate, "5/KB")])
def test_an_unknown_unit_is_answered_with_those_that_are_known(parse: Callable[[object], object], words: str) -> None:
    with pytest.raises(ValueError, match="is not a unit that is known here; write"):
        parse(words)


@given(
    st.text()
    | st.integers()
    | st.floats()
    | st.none()
    | st.timedeltas()
    | st.from_regex(r"[0-9]+(\.[0-9]+)? ?/? ?[a-z]+")
    | st.builds("{}{}".format, st.integers(0), st.sampled_from([" ms", " s", " days", " b", " GiB", "/ms", "/s", "/d"]))
)
def test_whatever_is_given_a_parser_returns_a_sound_value_or_raises_a_value_error(value: object) -> None:
    with suppress(ValueError):
        assert timedelta(0) <= parse_duration(value) <= CENTURY
    with suppress(ValueError):
        assert 0 <= parse_size(value) <= 2**53
    with suppress(ValueError):
        assert timedelta(0) < parse_rate(value).every <= CENTURY


def test_a_long_wrong_value_is_cut_in_the_error() -> None:
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration("x" * 1_000_000)
    assert len(str(caught.value)) < 300


def test_options_give_values_and_go_back_to_words() -> None:
    options = Options.model_validate({"wait": "1 h", "limit": "2 MB", "pace": "100/min"})
    assert (options.wait, options.limit, options.pace.every.total_seconds()) == (timedelta(hours=1), 2_000_000, 0.6)
    assert options.model_dump(mode="json") == {"wait": "1 h", "limit": 2_000_000, "pace": "100/min"}
    assert Options.model_validate_json(options.model_dump_json()) == options


def test_a_wrong_option_is_an_error_of_the_options_at_its_key() -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate({"wait": 5, "limit": "much", "pace": "9" * 400 + "/s"})
    assert [error["loc"] for error in caught.value.errors()] == [("wait",), ("limit",), ("pace",)]


def test_the_schema_says_what_may_be_written() -> None:
    schema = json.dumps(Options.model_json_schema())
    assert TypeAdapter(Size).json_schema()["anyOf"] == [{"type": "string"}, {"type": "integer"}]
    assert "timedelta" not in schema
    assert "duration" not in schema
