"""What somebody sees who may not see what a pipeline's `mask` names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.access.redaction import Redactor
from jackfield.components.values import Event, Exchange
from jackfield.journal.records import Attempt, Outcome, State, StoredRequest
from jackfield.journal.views import Duplicate, RunSummary, RunView
from jackfield.masking import MASKED
from jackfield.templates.paths.path import event_path

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PHONE = event_path("$.event.phone")
NOWHERE = "nowhere-else"

# What `Mask` puts in a value's place must not hold the value itself, and one letter stands in every text.
secrets = st.text(min_size=4, max_size=12).map(str.strip).filter(lambda value: len(value) >= 4 and "*" not in value)
encoders = st.sampled_from(
    [
        str,
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps(json.dumps({"said": value})),
        lambda value: to_json({"a": [value]}).decode(),
        lambda value: quote(value, safe=""),
        quote,
        quote_plus,
        lambda value: urlencode({"phone": value, "x": "1"}),
        repr,
    ]
)


def attempt(text: str, result: JsonValue = None) -> Attempt:
    exchange = Exchange(
        "POST", f"https://crm.example/?a={text}", (("x-a", text),), text, 200, (("x-b", text),), text, 1.0, text
    )
    return Attempt(0, "send", 1, AT, 1.0, Outcome.FAILED, text, text, result, exchanges=(exchange,))


def view(data: dict[str, JsonValue], text: str = "", result: JsonValue = None) -> RunView:
    warnings = (f"odd: {text}",)
    return RunView(
        RunSummary("r", "x", "v", State.FAILED, AT, AT, None, f"failed: {text}", warnings, 1, None),
        Event(data, warnings=warnings),
        StoredRequest("POST", f"q={text}", (("x-tag", text),), f"before {text} after"),
        [attempt(text, result)],
        [Duplicate(AT, Event({**data, "seen": text}))],
        [],
    )


def shown(view: RunView) -> list[str]:
    """Every text of a run, each as it is: JSON would write it in another way."""

    def texts(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict):
            return [text for pair in value.items() for one in pair for text in texts(one)]
        if isinstance(value, list | tuple):
            return [text for one in value for text in texts(one)]
        return [str(value)]

    return texts(json.loads(to_json(view)))


def covered(data: dict[str, JsonValue], *paths: str, text: str = "", result: JsonValue = None) -> RunView:
    run = view(data, text, result)
    events = [run.event, *(one.event for one in run.duplicates)]
    return Redactor([event_path(path) for path in paths], events).run(run)


@settings(max_examples=60)
@given(secrets, encoders)
def test_a_masked_value_is_nowhere_in_what_a_viewer_gets_however_it_is_written(value: str, encode: object) -> None:
    assert callable(encode)
    assume(not any(value in text for text in shown(view({}))))  # names of fields
    written = str(encode(value))
    data: dict[str, JsonValue] = {"phone": value, "again": {"deep": [f"call {value}!", {value: 1}]}}
    run = covered(data, "$.event.phone", text=written, result={"sent": written, value: [value]})
    for text in shown(run):
        assert value not in text
        assert written not in text
    assert run.event.data["phone"] == "***"


@given(st.integers(10**6, 10**12) | st.floats(1e6, 1e9))
def test_a_number_is_masked_as_number_and_as_text(number: float) -> None:
    written = to_json(number).decode()
    data: dict[str, JsonValue] = {"phone": number, "list": [number, 5, True, None]}
    run = covered(data, "$.event.phone", text=f'{{"n":{written}}}')
    assert not any(written in text for text in shown(run))
    assert run.event.data["list"] == ["***", 5, True, None]


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ("8 (900) 111-22-33", "79001112233"),
        ("+7 900 111-22-33", "9001112233"),
        (" Anna@Example.RU ", "anna@example.ru"),
        ("иван петров", "Иван Петров"),
        ("иван петров", "ИВАН ПЕТРОВ"),
        ("Иван Ы", "%C8%E2%E0%ED+%DB"),
        ("Иван Ы", "%c8%e2%e0%ed%20%db"),
        ("Tom & Jerry's", "Tom &amp; Jerry&#x27;s"),
        ('O"Neil', 'O\\\\\\"Neil'),
    ],
)
def test_what_steps_usually_make_of_a_value_is_masked_too(value: str, spelling: str) -> None:
    run = covered({"phone": value}, "$.event.phone", text=f"a={spelling}&b=1")
    assert not any(spelling in text for text in shown(run))
    assert run.attempts[0].exchanges[0].request_body.endswith("&b=1")


def test_what_a_path_leads_to_is_masked_whatever_its_type_and_everything_else_stays() -> None:
    data: dict[str, JsonValue] = {
        "vip": True,
        "none": None,
        "address": {"city": "Казань", "lines": ["Ленина 1"]},
        "items": [{"id": 1001, "card": "4111"}, {"id": 1002, "card": "5500", "name": "Казань, Ленина 1"}],
        "email": "a@example.ru",
    }
    run = covered(data, "$.event.vip", "$.event.none", "$.event.address", "$.event.items[*].card", "$.event.absent")
    assert run.event.data == {
        "vip": "***",
        "none": "***",
        "address": "***",
        "items": [{"id": 1001, "card": "***"}, {"id": 1002, "card": "***", "name": "***, ***"}],
        "email": "a@example.ru",
    }


def test_a_path_within_another_one_hides_no_less() -> None:
    run = covered({"a": {"b": {"c": "hidden"}}}, "$.event..c", "$.event.a", "$.event.a.b")
    assert run.event.data == {"a": "***"}


def test_the_first_half_of_a_value_at_the_end_of_a_cut_body_is_not_shown() -> None:
    run = view({"phone": "79001112233"})
    (tried,) = run.attempts
    half = "x" * 300 + "79001112"
    exchange = Exchange("POST", "https://a.example/", (), f"{half} … [cut at 308 bytes]", 200, (), half, 1.0)
    request = StoredRequest("POST", "", (), half, cut=True)
    cut = RunView(
        run.summary, run.event, request, [Attempt(0, "a", 1, AT, 1, Outcome.FAILED, exchanges=(exchange,))], [], []
    )
    seen = Redactor([PHONE], [run.event]).run(cut)
    assert "7900" not in seen.request.body
    assert "7900" not in seen.attempts[0].exchanges[0].request_body
    assert seen.attempts[0].exchanges[0].request_body.endswith(" … [cut at 308 bytes]")
    assert tried.exchanges


def test_what_would_keep_the_host_busy_is_hidden_as_a_whole() -> None:
    values: list[JsonValue] = [f"я{number:03}" for number in range(300)]
    usual, large = "я" * 1_000, "я" * 400_000
    shown_text = Redactor([PHONE], [Event({"phone": values, "text": usual})]).run(
        view({"phone": values, "text": usual})
    )
    assert shown_text.event.data == {"phone": MASKED, "text": usual}
    cover = Redactor([PHONE], [Event({"phone": values, "text": large})])
    run = view({"phone": values, "text": large})
    assert cover.run(run).event.data == cover.event(run.event).data == {MASKED: MASKED}


@pytest.mark.parametrize("value", ["89001", "&#56;9001", "8<![CDATA[9001]]>", "%38%39001", "\\u00389001", "ODkwMDE="])
def test_of_the_request_that_came_in_only_the_method_and_the_names_of_headers_are_shown(value: str) -> None:
    request = StoredRequest("POST", f"phone={value}", (("x-phone", value),), value, "base64")
    run = view({"phone": "89001"}, "", {})
    came = RunView(run.summary, run.event, request, [], [], [])
    seen = Redactor([PHONE], [run.event]).run(came).request
    assert seen == StoredRequest("POST", "***", (("x-phone", "***"),), "***")


@given(st.text(min_size=3).map(lambda text: f"{NOWHERE}{text}"))
def test_without_paths_nothing_is_shown_that_came_with_an_event(value: str) -> None:
    run = Redactor(None, ()).run(view({"phone": value, value: [value]}, value, {value: value, "n": 123456789}))
    assert not any(NOWHERE in text or "123456789" in text for text in shown(run))


def test_more_values_than_can_be_looked_for_hide_everything() -> None:
    data: dict[str, JsonValue] = {"many": [f"value {number}" for number in range(1000)], "other": NOWHERE}
    assert not any(NOWHERE in text for text in shown(covered(data, "$.event.many[*]")))


def test_an_event_with_values_that_would_keep_the_host_busy_is_hidden_as_a_whole() -> None:
    phones = [f"<&\"'Я{number}" * 6 for number in range(40)]
    cover = Redactor([PHONE], [Event({"phone": [*phones]})])
    assert cover.complete
    assert cover.event(Event({"phone": "x", "a": "b"})).data == {"***": "***"}


def test_a_long_text_is_hidden_as_it_is_and_all_the_rest_is_shown() -> None:
    comment = "Позвоните мне, пожалуйста, после шести. " * 10
    cover = Redactor([PHONE], [Event({"phone": comment})])
    assert not cover.complete
    assert cover.text(f"a {quote(comment)} b {json.dumps(comment)} c {comment} d").split() == [
        "a", "***", "b", '"***"', "c", "***", "d"
    ]  # fmt: skip
