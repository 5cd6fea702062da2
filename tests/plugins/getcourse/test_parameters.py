from __future__ import annotations

import encodings.aliases
import json
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from jackfield import JsonObject, Malformed, WebhookRequest
from jackfield_getcourse.parameters import find_parameter, octets, read_parameters

NAMES = st.text(min_size=1)
PAIRS = st.dictionaries(NAMES, st.text(), min_size=1)
JSON_OBJECTS: st.SearchStrategy[JsonObject] = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
)
CHARSETS = sorted({*encodings.aliases.aliases, "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def posted(body: bytes, content_type: str | None = None, query: str = "") -> WebhookRequest:
    headers = (("content-type", content_type),) if content_type is not None else ()
    return WebhookRequest(method="POST", query=query, headers=headers, body=body)


@given(PAIRS)
def test_a_query_gives_what_was_encoded(pairs: dict[str, str]) -> None:
    assert read_parameters(WebhookRequest(method="GET", query=urlencode(pairs))).values == pairs


@given(
    st.lists(
        st.sampled_from(
            ["%", "%41", "%d0%90", "%D0", "%4", "%zz", "\\", "\\x41", "\\N{DIGIT ONE}", "u0041", "a", "ё", "\n"]
        )
    )
)
def test_percent_signs_and_backslashes_are_read_as_the_standard_library_reads_them(pieces: list[str]) -> None:
    value = "".join(pieces)
    assert list(find_parameter(posted(b"a=" + value.encode()), "a")) == [unquote_to_bytes(value)]


@given(PAIRS, st.sampled_from(["application/x-www-form-urlencoded", "text/plain", "", None]))
def test_a_form_gives_what_was_encoded_whatever_its_content_type(pairs: dict[str, str], content_type: str) -> None:
    assert read_parameters(posted(urlencode(pairs).encode(), content_type)).values == pairs


@given(
    JSON_OBJECTS, st.sampled_from(["application/json", "application/vnd.api+json; charset=UTF-8", "text/plain", None])
)
def test_a_json_object_keeps_its_values_whatever_its_content_type(data: JsonObject, content_type: str) -> None:
    read = read_parameters(posted(json.dumps(data).encode(), content_type))
    assert read.values == data
    assert read.repeated == frozenset()


def test_a_json_object_is_known_even_when_it_is_called_a_form() -> None:
    content_type = "application/x-www-form-urlencoded"
    assert read_parameters(posted(b' {"a": "b=c"}', content_type)).values == {"a": "b=c"}


def test_a_byte_order_mark_before_json_is_no_part_of_it() -> None:
    assert read_parameters(posted(b'\xef\xbb\xbf{"a": 1}')).values == {"a": 1}


def test_the_body_wins_over_the_query_without_being_a_repeat() -> None:
    read = read_parameters(posted(b"b=body&c=3", query="a=1&b=query"))
    assert read.values == {"a": "1", "b": "body", "c": "3"}
    assert read.repeated == frozenset()


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_a_post_may_have_everything_in_its_query(body: bytes) -> None:
    assert read_parameters(posted(body, "application/json", query="a=1")).values == {"a": "1"}


@pytest.mark.parametrize(
    "request_",
    [
        WebhookRequest(query="a=1&b=2&a=3"),
        posted(b"a=1&b=2&a=3"),
        posted(b'{"a": "1", "b": "2", "a": "3"}'),
    ],
)
def test_of_repeats_the_last_one_counts_and_the_name_is_told(request_: WebhookRequest) -> None:
    read = read_parameters(request_)
    assert read.values == {"a": "3", "b": "2"}
    assert read.repeated == {"a"}


def test_a_repeat_deep_in_json_is_told_as_well() -> None:
    assert read_parameters(posted(b'{"a": [{"b": 1, "b": 2}]}')).repeated == {"b"}


def test_text_stays_exactly_as_it_came() -> None:
    read = read_parameters(WebhookRequest(query="a=%20x%20&b=24%C2%A0900&c=x%00y&d=%2B7&e&f=a=b&g=%zz&h=+7"))
    assert list(read.values.values()) == [" x ", "24\N{NO-BREAK SPACE}900", "x\0y", "+7", "", "a=b", "%zz", " 7"]


@pytest.mark.parametrize("query", ["name=%CF%F0%E8", "name=\xcf\xf0\xe8", "name=\ud800"])
def test_a_query_that_is_not_utf_8_is_malformed_and_the_parameter_is_named(query: str) -> None:
    with pytest.raises(Malformed, match="'name' is not utf-8 text"):
        read_parameters(WebhookRequest(query=f"id=1&{query}"))


def test_bytes_that_a_server_handed_over_as_latin_1_are_utf_8_all_the_same() -> None:
    query = "name=Анна".encode().decode("latin-1")
    assert read_parameters(WebhookRequest(query=query)).values == {"name": "Анна"}


def test_a_query_written_by_hand_may_hold_any_text() -> None:
    assert read_parameters(WebhookRequest(query="name=Анна")).values == {"name": "Анна"}


@pytest.mark.parametrize("charset", ["windows-1251", '"Windows-1251"', "cp1251; x=y", "koi8-r"])
def test_a_declared_charset_is_honoured_in_a_form(charset: str) -> None:
    name = charset.partition(";")[0].strip('"')
    body = urlencode({"имя": "Анна"}, encoding=name).encode()
    assert read_parameters(posted(body, f"text/plain; charset={charset}")).values == {"имя": "Анна"}
    assert read_parameters(posted("имя=Анна".encode(name), f"text/plain; charset={charset}")).values == {"имя": "Анна"}


def test_a_declared_charset_is_honoured_in_json() -> None:
    body = '{"имя": "Анна"}'
    assert read_parameters(posted(body.encode("cp1251"), "application/json;charset=cp1251")).values == {"имя": "Анна"}
    assert read_parameters(posted(body.encode("utf-16"), "application/json; charset=utf-16")).values == {"имя": "Анна"}


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "unicode_escape", "utf-7", "undefined", "..", "a" * 1000])
def test_a_charset_that_is_none_is_read_as_utf_8(charset: str) -> None:
    content_type = f"application/x-www-form-urlencoded; charset={charset}"
    assert read_parameters(posted("a=Анна\\ud800%2B2AA-".encode(), content_type)).values == {"a": "Анна\\ud800+2AA-"}


@given(st.sampled_from(CHARSETS), st.binary())
@example("utf_7", b"+2AA-")
@example("unicode_escape", b"\\ud800")
def test_whatever_the_charset_what_is_read_is_text_or_malformed(charset: str, value: bytes) -> None:
    try:
        read = read_parameters(posted(b"a=" + value, f"text/plain; charset={charset}"))
    except Malformed:
        return
    assert to_json(read.values)


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json", None, "text/plain"])
def test_broken_json_is_malformed_and_the_place_is_told(content_type: str | None) -> None:
    with pytest.raises(Malformed, match="line 1 column 17"):
        read_parameters(posted(b'{"name": "Anna "X" P"}', content_type, query="id=1"))


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"a": NaN}', b'{"a": 1e999}', b'{"a": -Infinity}', b'{"a": "\\ud800"}', b'{"a": "\xcf"}', b'{"a": "x\ny"}'),
        *(b'{"a": 1} x', b"{", b"[" * 100_000, b'{"a":' + b"9" * 10_000 + b"}", b"[1]", b'"text"', b"null", b"17"),
    ],
)
def test_what_is_not_a_json_object_of_real_values_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="JSON"):
        read_parameters(posted(body, "application/json"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"hello", "text/plain"),
        (b"\x89PNG\r\n", "image/png"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', "multipart/form-data; boundary=x"),
    ],
)
def test_a_body_of_another_kind_is_malformed(body: bytes, content_type: str) -> None:
    with pytest.raises(Malformed, match="neither a JSON object nor form parameters"):
        read_parameters(posted(body, content_type))


@given(st.binary(), st.text(), st.sampled_from(["application/json", "application/json; charset=cp1251", "x", None]))
def test_any_request_is_read_or_malformed(body: bytes, query: str, content_type: str | None) -> None:
    try:
        read = read_parameters(posted(body, content_type, query=query))
    except Malformed as error:
        refused = str(error)
    else:
        refused = ""
        assert to_json(read.values)
    assert refused.isprintable()


def test_the_name_of_a_parameter_cannot_break_a_message() -> None:
    with pytest.raises(Malformed) as caught:
        read_parameters(WebhookRequest(query="a%0A%1B" + "x" * 100_000 + "=%FF"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_parameter_is_found_last_in_the_query_and_last_in_the_body() -> None:
    request = posted(b"s=3&s=4", query="s=1&s=%D0%B9&x=%FF")
    assert list(find_parameter(request, "s")) == ["й".encode(), b"4"]
    assert list(find_parameter(request, "absent")) == []


@pytest.mark.parametrize(
    ("body", "found"), [(b'{"s": "\\u0439"}', ["й".encode()]), (b'{"s": 1}', []), (b'{"s": "1"', []), (b"[]", [])]
)
def test_a_parameter_is_found_in_json_if_it_is_text(body: bytes, found: list[bytes]) -> None:
    assert list(find_parameter(posted(body), "s")) == found


@given(st.binary())
def test_octets_are_the_bytes_that_a_server_saw(data: bytes) -> None:
    assert octets(data.decode("latin-1")) == data
