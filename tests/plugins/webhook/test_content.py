import base64
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import Malformed, WebhookRequest
from jackfield_webhook.generic import Generic, GenericOptions

FORM = "application/x-www-form-urlencoded"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=1, max_size=5)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = st.recursive(TEXTS, lambda inner: st.dictionaries(NAMES.map("k".__add__), inner, min_size=1, max_size=3)
                      | st.lists(inner, min_size=1, max_size=3), max_leaves=6)  # fmt: skip


def data(body: bytes | str, content_type: str | None = None, query: str = "", **options: Any) -> Any:
    source = Generic(GenericOptions.model_validate({"verify": "none", **options}))
    headers = () if content_type is None else (("content-type", content_type),)
    octets = body if isinstance(body, bytes) else body.encode()
    [event] = source.parse(WebhookRequest(query=query, headers=headers, body=octets))
    return event.data


def pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(name, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [pair for key, item in items for pair in pairs(f"{name}[{key}]", item)]


@given(st.dictionaries(NAMES, LEAVES, min_size=1, max_size=4))
def test_what_php_writes_with_brackets_comes_back(value: dict[str, Any]) -> None:
    written = [pair for name, item in value.items() for pair in pairs(name, item)]
    assert data("&".join(f"{quote(name)}={quote(text)}" for name, text in written), FORM) == value


@given(st.text("a[]01=&%x", max_size=40))
def test_any_form_is_read(text: str) -> None:
    data(text, FORM, charset="koi8-r")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("leads[add][0][id]=42&account[id]=11", {"leads": {"add": [{"id": "42"}]}, "account": {"id": "11"}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[][x]=1&a[][x]=2", {"a": [{"x": "1"}, {"x": "2"}]}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=1&a[b]=2", {"a": {"": "1", "b": "2"}}),
        ("a[999999999]=1", {"a": {"999999999": "1"}}),
        ("a[b=1&[x]=2&c]=3", {"a[b": "1", "[x]": "2", "c]": "3"}),
        ("a[__proto__][b]=1", {"a": {"__proto__": {"b": "1"}}}),
    ],
)
def test_brackets_make_objects_and_lists(form: str, expected: object) -> None:
    assert data(form, FORM) == expected


@pytest.mark.parametrize("form", ["a" + "[b]" * 33 + "=1", "a[]=&" * 10_001])
def test_a_form_that_is_too_deep_or_too_long_is_refused(form: str) -> None:
    with pytest.raises(Malformed, match="more than"):
        data(form, FORM)


@given(st.dictionaries(st.text("abcя", min_size=1, max_size=4), TEXTS, min_size=1, max_size=3), st.binary(max_size=40))
def test_a_multipart_form_comes_back_with_its_files(texts: dict[str, str], file: bytes) -> None:
    parts = [(name, (None, text.encode())) for name, text in texts.items()]
    request = httpx.Request("POST", "http://x", files=[*parts, ("file", ("чек.pdf", file, "application/pdf"))])
    shown = {"filename": "чек.pdf", "content_type": "application/pdf", "size": len(file)}
    expected = {**texts, "file": {**shown, "base64": base64.b64encode(file).decode()}}
    assert data(request.read(), request.headers["content-type"]) == expected


@given(st.binary(max_size=60))
def test_any_multipart_body_is_read_or_refused(body: bytes) -> None:
    for octets in (body, b"--b\r\n" + body + b"\r\n--b--\r\n"):
        try:
            data(octets, "multipart/form-data; boundary=b")
        except Malformed:
            continue


@given(
    st.text("абвгдеёжзАБВГ xyz", min_size=1).filter(str.strip), st.sampled_from(["windows-1251", "koi8-r", "utf-16"])
)
def test_a_declared_charset_is_honoured(text: str, charset: str) -> None:
    kind = f"; charset={charset}"
    assert data(text.encode(charset), "text/plain" + kind) == {"text": text}
    assert data(f'{{"a": "{text}"}}'.encode(charset), "application/json" + kind) == {"a": text}
    assert data(f"<a>x{text}x</a>".encode(charset), "text/xml" + kind) == {"a": f"x{text}x"}
    if charset != "utf-16":
        assert data("a=" + quote(text.encode(charset)), FORM + kind) == {"a": text}
        assert data("a=" + quote(text.encode(charset)), FORM, charset=charset) == {"a": text}


def test_text_in_another_charset_is_refused_with_what_to_do() -> None:
    with pytest.raises(Malformed, match="set the option charset"):
        data("a=%C0", FORM)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("[1, 2]", "application/json", {"items": [1, 2]}),
        ("7", "application/json", {"value": 7}),
        ('{"a": 1}', FORM, {"a": 1}),
        ('{"a": 1}', "text/plain", {"a": 1}),
        ("{not json", "text/plain", {"text": "{not json"}),
        ("a=1", None, {"a": "1"}),
        ("<a b='1'>x<c/><c>y</c></a>", None, {"a": {"@b": "1", "#text": "x", "c": [None, "y"]}}),
        ('<?xml version="1.0" encoding="windows-1251"?><a>Я</a>'.encode("cp1251"), "text/xml", {"a": "Я"}),
        ("", None, {}),
    ],
)
def test_a_body_is_read_by_its_type_or_its_looks(body: bytes | str, content_type: str | None, expected: object) -> None:
    assert data(body, content_type) == expected


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY b "bomb">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a>" * 65 + "</a>" * 65,
        "<a>" * 200_000,
        "<a>",
        '<?xml version="1.0" encoding="idna"?><a/>',
    ],
)
def test_xml_that_is_dangerous_or_broken_is_refused(body: str) -> None:
    with pytest.raises(Malformed, match="XML"):
        data(body, "application/xml")


@pytest.mark.parametrize("body", ['{"a": 1e999}', '{"a": NaN}', '{"a": ', "[" * 5000, '"\\ud800"'])
def test_json_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(Malformed, match="not valid JSON"):
        data(body, "application/json")


def test_the_query_is_merged_apart_or_ignored() -> None:
    assert data('{"a": 1}', query="a=2&utm[source]=vk") == {"a": 1, "utm": {"source": "vk"}}
    source = {"verify": "none"}
    for query, expected in (("apart", {"a": 1, "query": {"b": "2"}}), ("ignore", {"a": 1})):
        made = Generic(GenericOptions.model_validate({**source, "query": query}))
        [event] = made.parse(WebhookRequest(query="b=2", body=b'{"a": 1}'))
        assert event.data == expected
