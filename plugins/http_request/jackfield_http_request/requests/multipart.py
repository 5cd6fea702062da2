"""The parts of a `multipart/form-data` body, and how they are written (RFC 7578, and the HTML standard for names)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from secrets import token_hex
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from jackfield import OptionsModel, option
from jackfield_http_request.pairs import scalar_text

_TYPE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[\t ]*;[\t\x20-\x7e]*)?")
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # what browsers do


def _text(value: object) -> str:
    return scalar_text(value, "it")


def _binary(value: object) -> bytes:
    """Read Base64 of either alphabet, in one line or many, with its padding or without."""
    try:
        text = "".join(_text(value).split()).translate(str.maketrans("-_", "+/")).rstrip("=")
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("is not Base64; give what is text as text") from None


def _content_type(text: str) -> str:
    if text and not _TYPE.fullmatch(text):
        raise ValueError('is not a type of content; write such as "application/pdf"')
    return text


_Text: TypeAlias = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | float | bool | None)]


class Part(OptionsModel):
    """One field of the form: a text, or a file."""

    exclusive = at_least_one = (("text", "base64"),)

    name: Annotated[
        _Text,
        option(("Name", "The field's name; it may be repeated."), ("Имя", "Имя поля; может повторяться.")),
    ]
    text: Annotated[
        _Text,
        option(("Text", "The field's text, sent in UTF-8."), ("Текст", "Текст поля, уйдёт в UTF-8.")),
    ] = ""
    base64: Annotated[
        bytes,
        BeforeValidator(_binary, json_schema_input_type=str | None),
        option(
            ("Base64", "What the file contains, in Base64."),
            ("Base64", "Содержимое файла в Base64."),
            examples=["{{ $.event.file.base64 }}"],
        ),
    ] = b""
    filename: Annotated[
        _Text,
        option(
            ("File name", "Makes the field a file of this name."),
            ("Имя файла", "Делает поле файлом с этим именем."),
            examples=["photo.jpg"],
        ),
    ] = ""
    type: Annotated[
        _Text,
        AfterValidator(_content_type),
        option(
            (
                "Type",
                "The Content-Type; if it is empty, text/plain of a text file and application/octet-stream of Base64.",
            ),
            ("Тип", "Content-Type; если пусто, text/plain у текстового файла и application/octet-stream у Base64."),
            examples=["application/pdf"],
        ),
    ] = ""

    @property
    def content(self) -> bytes:
        """What the part contains. Raises UnicodeEncodeError."""
        return self.base64 if "base64" in self.model_fields_set else self.text.encode()

    def head(self) -> bytes:
        """Return the part's headers. Raises UnicodeEncodeError."""
        file = f'; filename="{self.filename.translate(_ESCAPES)}"' if self.filename else ""
        lines = [f'Content-Disposition: form-data; name="{self.name.translate(_ESCAPES)}"{file}']
        if kind := self.type or self._usual_type():
            lines.append(f"Content-Type: {kind}")
        return "\r\n".join(lines).encode()

    def _usual_type(self) -> str:
        if "base64" in self.model_fields_set:
            return "application/octet-stream"
        return "text/plain; charset=utf-8" if self.filename else ""


def encode_parts(parts: Sequence[Part]) -> tuple[bytes, bytes]:
    """Return the body and its Content-Type. Raises UnicodeEncodeError."""
    boundary = _boundary([part.content for part in parts])
    body = b"".join([*_pieces(parts, boundary), b"--", boundary, b"--\r\n"])
    return body, b"multipart/form-data; boundary=" + boundary


def _pieces(parts: Iterable[Part], boundary: bytes) -> Iterator[bytes]:
    for part in parts:
        yield from (b"--", boundary, b"\r\n", part.head(), b"\r\n\r\n", part.content, b"\r\n")


def _boundary(contents: Sequence[bytes]) -> bytes:
    """Choose what no content has in it, and nobody can foresee: else an event could make parts of its own."""
    while True:
        boundary = f"jackfield-{token_hex(16)}".encode()
        if not any(boundary in content for content in contents):
            return boundary
