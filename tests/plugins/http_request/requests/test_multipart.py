from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from python_multipart.multipart import MultipartParser, parse_options_header

from jackfield import JsonObject, PermanentFailure
from jackfield.errors import TemplateError
from jackfield.pipelines.rendered_options import RenderedOptions
from jackfield.templates.engine import TemplateEngine
from jackfield_http_request.options import HttpRequestOptions
from jackfield_http_request.requests.body import encode_body
from jackfield_http_request.requests.multipart import Part
from tests.plugins.http_request.service import Service, passed
from tests.plugins.http_request.wire import received

HEAD = re.compile(r'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]+)")?')
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = TEXT | st.sampled_from(['a"b', "a\r\nb", "a\\b", "имя", "a;b=c", "%22", "фото 1.jpg", "", "a\x00b"])
CONTENT = st.binary(max_size=40) | st.sampled_from([b"\r\n--", b"\r\n", b"--jackfield", b"\x00\xff", b"--\r\n--"])


@dataclass
class Read:
    """A part as a strict parser reads it."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""


class Reader:
    """Has python-multipart read a body, and keeps what it says."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.parts: list[Read] = []
        self.complete = False
        kind, parameters = parse_options_header(content_type)
        assert kind == b"multipart/form-data"
        parser = MultipartParser(
            parameters[b"boundary"],
            {
                "on_part_begin": lambda: self.parts.append(Read()),
                "on_header_begin": lambda: self.parts[-1].headers.append(("", "")),
                "on_header_field": self.add_name,
                "on_header_value": self.add_value,
                "on_part_data": self.add_content,
                "on_end": lambda: setattr(self, "complete", True),
            },
        )
        assert parser.write(body) == len(body)
        parser.finalize()
        assert self.complete

    def add_name(self, data: bytes, start: int, end: int) -> None:
        name, value = self.parts[-1].headers[-1]
        self.parts[-1].headers[-1] = (name + data[start:end].decode(), value)

    def add_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self.parts[-1].headers[-1]
        self.parts[-1].headers[-1] = (name, value + data[start:end].decode("latin-1"))

    def add_content(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += data[start:end]


def escaped(name: str) -> str:
    """Escape a name as the HTML standard has it ("multipart form data")."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def options(*parts: Any, **more: Any) -> HttpRequestOptions:
    return HttpRequestOptions.model_validate({"url": "http://crm/", "multipart": list(parts), **more})


def read(*parts: Any, **more: Any) -> list[tuple[str, str, str | None, bytes]]:
    """Return name, file name, type and content of every part, as a server reads them."""
    body, content_type = encode_body(options(*parts, **more))
    found = []
    for part in Reader(body, content_type.decode()).parts:
        headers = dict(part.headers)
        assert len(headers) == len(part.headers)
        match = HEAD.fullmatch(headers.pop("Content-Disposition").encode("latin-1").decode())
        assert match
        found.append((match[1], match[2] or "", headers.pop("Content-Type", None), part.content))
        assert not headers
    return found


@given(st.lists(st.tuples(NAME, NAME, st.booleans(), CONTENT | TEXT), max_size=5))
@example([("a", "", False, "x\r\n--jackfield\r\n"), ("a", "", False, "y")])
def test_a_strict_server_reads_what_the_options_said(parts: list[tuple[str, str, bool, bytes | str]]) -> None:
    given_parts: list[JsonObject] = []
    expected = []
    for name, filename, has_type, content in parts:
        part: JsonObject = {"name": name, "filename": filename, "type": "image/png" if has_type else ""}
        if isinstance(content, str):
            part["text"], kind = content, "text/plain; charset=utf-8" if filename else None
        else:
            part["base64"], kind = b64encode(content).decode(), "application/octet-stream"
        given_parts.append(part)
        octets = content.encode() if isinstance(content, str) else content
        expected.append((escaped(name), escaped(filename), "image/png" if has_type else kind, octets))
    assert read(*given_parts) == expected


def test_a_server_receives_the_whole_of_it_with_its_length() -> None:
    parts = [{"name": "file", "filename": "фото.jpg", "base64": b64encode(bytes(range(256)) * 400).decode()}]
    arrived = received(multipart=parts)
    [part] = Reader(arrived.body, arrived.header("content-type") or "").parts
    assert part.content == bytes(range(256)) * 400
    assert arrived.header("content-length") == str(len(arrived.body))


def test_base64_may_be_of_either_alphabet_in_lines_and_without_padding() -> None:
    content = bytes(range(255, 0, -1))
    spellings = [
        b64encode(content).decode(),
        urlsafe_b64encode(content).decode().rstrip("="),
        "\r\n".join(re.findall(".{1,76}", b64encode(content).decode())),
    ]
    assert {part[3] for part in read(*({"name": "a", "base64": spelling} for spelling in spellings))} == {content}


@pytest.mark.parametrize("text", ["s3cret!", "s3cre", "s3=ret==", "приветs3"])
def test_what_is_no_base64_fails_the_step_and_is_named_but_not_shown(text: str) -> None:
    raw: Any = {
        "url": "http://crm/",
        "multipart": [{"name": "a", "text": ""}, {"name": "b", "base64": "{{ $.event.f }}"}],
    }
    rendered = RenderedOptions(HttpRequestOptions, TemplateEngine({}).compile(raw, "steps[0]"), ("steps", 0), None)
    with pytest.raises(TemplateError) as caught:
        rendered.render({"event": {"f": text}})
    assert str(caught.value) == "steps[0].multipart[1].base64: is not Base64; give what is text as text"


def test_a_text_may_be_any_single_value() -> None:
    parts = [{"name": "a", "text": value} for value in (5, 1.5, True, None, 10**20)]
    assert [part[3] for part in read(*parts)] == [b"5", b"1.5", b"true", b"", b"1" + b"0" * 20]


def test_empty_parts_can_be_left_out() -> None:
    parts = [
        {"name": "a", "text": None},
        {"name": "b", "base64": ""},
        {"name": "c", "text": 0},
        {"name": "d", "text": ""},
    ]
    assert [part[0] for part in read(*parts, omit_empty=True)] == ["c"]
    assert [part[0] for part in read(*parts)] == ["a", "b", "c", "d"]


def test_no_two_requests_have_the_same_boundary() -> None:
    assert len({encode_body(options({"name": "a", "text": "x"}))[1] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"name": "a"}, "give text or base64"),
        ({"name": "a", "text": "", "base64": ""}, "give either text or base64, not both"),
        ({"text": "x"}, "Field required"),
        ({"name": "a", "text": {}}, "must be text, a number"),
        ({"name": "a", "text": "x", "type": "pdf"}, "is not a type of content"),
        ({"name": "a", "text": "x", "type": "text/plain\r\nX-A: b"}, "is not a type of content"),
        ({"name": "a", "text": "x", "file": "y"}, "not permitted"),
    ],
)
def test_a_part_that_is_wrong_is_refused(part: JsonObject, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        options(part)


def test_the_content_type_with_its_boundary_cannot_be_replaced() -> None:
    with pytest.raises(ValidationError, match="leave the header Content-Type out"):
        options({"name": "a", "text": "x"}, headers={"content-type": "multipart/form-data"})


def test_half_a_character_is_a_permanent_failure() -> None:
    with pytest.raises((PermanentFailure, ValidationError)):
        received(multipart=[{"name": "\ud800", "text": "x"}])


def test_the_journal_shows_a_text_form_as_it_is_and_of_a_binary_one_what_it_is(tmp_path: Path) -> None:
    text = 'multipart = [{ name = "a", text = "привет" }, { name = "b", base64 = "%s" }]'
    view = passed(tmp_path, Service(), text % "Yg==")
    [exchange] = view.attempts[0].exchanges
    assert 'name="a"\r\n\r\nпривет\r\n' in exchange.request_body
    (tmp_path / "binary").mkdir()
    view = passed(tmp_path / "binary", Service(), text % "/w==")
    [exchange] = view.attempts[0].exchanges
    assert re.fullmatch(r"\[[0-9]+ bytes, multipart/form-data; boundary=[^ ]+\]", exchange.request_body)


@given(st.text() | st.just("text/plain\r\nX-Evil: 1;") | st.just("text/plain\r\n\r\n;x"), st.text(), st.text())
@example('text/plain\r\n;charset="x"\r\nX-Evil: 1', "a\r\nX: 1", 'b"\r\n\r\nx')
@example("text/plain\n ;x", "\r", "\n")
def test_no_value_adds_a_line_to_the_head_of_a_part(kind: str, name: str, filename: str) -> None:
    try:
        part = Part.model_validate({"name": name, "text": "x", "filename": filename, "type": kind})
        head = part.head()
    except ValueError:
        return
    lines = head.split(b"\r\n")
    assert len(lines) == 1 + bool(kind or filename)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert lines[0].startswith(b"Content-Disposition: form-data; name=")
