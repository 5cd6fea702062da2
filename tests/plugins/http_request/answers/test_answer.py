from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import JsonValue
from jackfield_http_request.answers.answer import Answer

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)


def _body(content: bytes, content_type: str = "", *, cut: bool = False) -> JsonValue:
    return Answer(200, httpx.Headers({"content-type": content_type}), content, cut).body()


@given(_JSON, st.sampled_from(["application/json", "application/hal+json; charset=utf-8", "text/json"]), st.booleans())
def test_json_comes_back_as_it_was_with_a_byte_order_mark_or_without(
    value: JsonValue,
    content_type: str,
    mark: bool,  # noqa: FBT001
) -> None:
    content = (b"\xef\xbb\xbf" if mark else b"") + json.dumps(value, ensure_ascii=False).encode()
    assert _body(content, content_type) == value


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b"", "application/json", None),
        (b"\xef\xbb\xbf", "application/json", None),
        (b' {"a": 1}', "text/html", {"a": 1}),
        (b"[1]", "", [1]),
        (b"12", "", "12"),
        (b"12", "application/json", 12),
        (b"{oops", "application/json", "{oops"),
        (b"NaN", "application/json", "NaN"),
        (b'{"a": Infinity}', "application/json", '{"a": Infinity}'),
        (b"[1e999]", "application/json", "[1e999]"),
        (b'"\\ud800"', "application/json", '"\\ud800"'),
        (b"[" * 100_000, "application/json", "[" * 100_000),
        (b"<html>ok</html>", "text/html", "<html>ok</html>"),
        ("да".encode("cp1251"), "text/plain; charset=windows-1251", "да"),
        ('{"a": "да"}'.encode("cp1251"), 'application/json; charset="windows-1251"', {"a": "да"}),
        ("да".encode("cp1251"), "text/plain", "\ufffd\ufffd"),
        (b"a\xff", "text/plain; charset=nonsense", "a\ufffd"),
        (b"a", "text/plain; charset=punycode", "a"),
        (b"YWJj", "text/plain; charset=base64", "YWJj"),
        (b"a", "text/plain; charset=undefined", "a"),
    ],
)
def test_a_body_is_read_as_what_it_is(content: bytes, content_type: str, body: JsonValue) -> None:
    assert _body(content, content_type) == body


@given(st.binary(max_size=200), st.sampled_from(["", "utf-16", "idna", "utf-7", "koi8-r", "unicode_escape", "big5"]))
def test_a_body_is_always_something_that_can_be_written_as_json(content: bytes, charset: str) -> None:
    json.dumps(_body(content, f"text/plain; charset={charset}"), ensure_ascii=False, allow_nan=False).encode()


def test_a_body_that_was_cut_is_text_without_half_a_character() -> None:
    assert _body('{"a": "ж'.encode()[:-1], "application/json", cut=True) == '{"a": "'


def test_the_result_has_lower_case_headers_with_repeats_joined() -> None:
    headers = httpx.Headers([("X-A", "1"), ("x-a", "2")])
    assert Answer(200, headers, b"").result() == {"status": 200, "headers": {"x-a": "1, 2"}, "body": None}
    assert Answer(200, headers, b"", cut=True).result()["cut"] is True


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        (format_datetime(_NOW + timedelta(minutes=5), usegmt=True), timedelta(minutes=5)),
        (format_datetime(_NOW - timedelta(minutes=5), usegmt=True), timedelta(0)),
        ("Tue, 01 Jan 2030 00:00:30 -0000", timedelta(seconds=30)),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 30, None),
        ("Tue, 99 Jan 2030 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, wait: timedelta | None) -> None:
    assert Answer(429, httpx.Headers({"Retry-After": value}), b"").retry_after(_NOW) == wait


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_retry_after_may_be_anything(value: str) -> None:
    wait = Answer(429, httpx.Headers({"Retry-After": value}), b"").retry_after(_NOW)
    assert wait is None or wait >= timedelta(0)
