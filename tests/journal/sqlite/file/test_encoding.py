import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jackfield.components.values import Event, Exchange
from jackfield.journal.records import Attempt, Outcome
from jackfield.journal.sqlite.file.encoding import (
    attempt_row,
    dump,
    load,
    microseconds,
    moment,
    payload_row,
    plain,
    read_attempt,
    read_event,
    warnings_column,
)
from jackfield.journal.sqlite.search.terms import fold, text_of

any_text = st.text(st.characters(codec=None))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=zones)  # noqa: DTZ001 - as it asks for
headers = st.lists(st.tuples(any_text, any_text), max_size=3).map(tuple)
exchanges = st.builds(
    Exchange,
    method=any_text,
    url=any_text,
    request_headers=headers,
    request_body=any_text,
    status=st.none() | st.integers(100, 599),
    response_headers=headers,
    response_body=any_text,
    elapsed_ms=st.floats(0, 1e6),
    error=st.none() | any_text,
)
utf8 = st.text(st.characters(codec="utf-8"))
attempts = st.builds(
    Attempt,
    index=st.integers(0, 50),
    step=utf8,
    number=st.integers(1, 99),
    started_at=moments.map(lambda at: at.astimezone(UTC)),
    elapsed_ms=st.floats(0, 1e6),
    outcome=st.sampled_from(Outcome),
    error=st.none() | utf8,
    traceback=st.none() | utf8,
    result=json_values,
    exchanges=st.lists(exchanges, max_size=2).map(tuple),
)


@given(json_values)
def test_json_comes_out_as_it_went_in(value: Any) -> None:
    assert load(dump(value)) == value
    dump(value).encode()


def test_a_number_that_is_none_survives() -> None:
    assert math.isnan(load(dump(math.nan)))


@given(moments)
def test_a_moment_is_kept_to_the_microsecond(at: datetime) -> None:
    assert moment(microseconds(at)) == at


@given(any_text)
def test_a_column_takes_any_text(text: str) -> None:
    written = plain(text)
    assert written is not None
    written.encode()
    assert written == text or "\\u" in written


@given(attempts)
def test_an_attempt_comes_out_as_it_went_in(attempt: Attempt) -> None:
    assert read_attempt(attempt_row(attempt)) == attempt


@given(st.dictionaries(any_text, json_values, max_size=4), st.frozensets(any_text), st.lists(any_text).map(tuple))
def test_an_event_comes_out_as_it_went_in(
    data: dict[str, Any], blank: frozenset[str], warnings: tuple[str, ...]
) -> None:
    event = Event(data, blank, warnings)
    body, blank_column, request = payload_row(event, "{}")
    assert read_event(body, blank_column, warnings_column(event)) == event
    assert request == "{}"


@given(st.dictionaries(utf8, st.lists(utf8.filter(lambda text: "\0" not in text)), min_size=1))
def test_the_text_that_is_searched_has_every_value(data: dict[str, Any]) -> None:
    text = text_of("the-id", "The Label", dump(data))
    assert text.startswith("the-id\nthe label")
    assert all(fold(value) in text for values in data.values() for value in values)
