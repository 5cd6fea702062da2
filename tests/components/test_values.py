from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.components.values import Event, WebhookReply, WebhookRequest

NAMES = st.text(min_size=1)


def test_a_header_is_found_whatever_the_case_of_its_name() -> None:
    request = WebhookRequest(headers=(("content-type", "text/plain"), ("x-token", "1")))
    assert request.header("X-Token") == request.header("x-token") == "1"


def test_of_a_repeated_header_the_first_value_counts() -> None:
    assert WebhookRequest(headers=(("x-token", "1"), ("x-token", "2"))).header("x-token") == "1"


def test_a_header_that_did_not_come_is_none_and_an_empty_one_is_empty() -> None:
    request = WebhookRequest(headers=(("x-empty", ""),))
    assert request.header("x-absent") is None
    assert request.header("x-empty") == ""


def test_parameters_keep_order_repeats_and_empty_values() -> None:
    request = WebhookRequest(query="b=2&a=1&b=3&empty=&bare&=nameless&&")
    assert request.parameters() == [("b", "2"), ("a", "1"), ("b", "3"), ("empty", ""), ("bare", ""), ("", "nameless")]


def test_parameters_are_decoded_once() -> None:
    request = WebhookRequest(query="name=%D0%90%D0%BD%D0%BD%D0%B0+%26+Co&twice=%2541&phone=%2B7999&broken=%zz")
    assert request.parameters() == [("name", "Анна & Co"), ("twice", "%41"), ("phone", "+7999"), ("broken", "%zz")]


@given(st.lists(st.tuples(NAMES, st.text())))
def test_parameters_are_what_was_encoded(pairs: list[tuple[str, str]]) -> None:
    assert WebhookRequest(query=urlencode(pairs)).parameters() == pairs


@given(st.text() | st.text("&=%+;a1Я"))
def test_any_query_can_be_read(query: str) -> None:
    assert len(WebhookRequest(query=query).parameters()) <= query.count("&") + 1


def test_a_request_knows_when_it_came_in_utc() -> None:
    first, second = WebhookRequest(), WebhookRequest()
    assert first.received_at.utcoffset() == timedelta(0)
    assert first.received_at <= second.received_at


def test_a_reply_is_200_and_empty_unless_said_otherwise() -> None:
    assert (WebhookReply().status, WebhookReply().body) == (200, b"")


@pytest.mark.parametrize(
    ("value", "name"), [(WebhookRequest(), "body"), (WebhookReply(), "status"), (Event(data={}), "data")]
)
def test_a_value_cannot_be_changed(value: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)


def test_values_that_say_the_same_are_equal() -> None:
    assert Event(data={"a": 1}) == Event(data={"a": 1}, blank=frozenset(), warnings=())
    assert Event(data={"a": ""}) != Event(data={"a": ""}, blank=frozenset({"a"}))
