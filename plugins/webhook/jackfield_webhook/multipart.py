"""Bodies of multipart/form-data: texts, and files as base64."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from jackfield import JsonValue, Malformed, declared_charset
from jackfield_webhook.tree import MOST_PAIRS, Pair


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class _Parts:
    """Collects what the parser tells."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.complete = False
        self._name = bytearray()
        self._value = bytearray()

    def on_part_begin(self) -> None:
        if len(self.parts) >= MOST_PAIRS:
            raise Malformed(f"The multipart body has more than {MOST_PAIRS} parts; let the sender send fewer.")
        self.parts.append(_Part())

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].body += data[start:end]

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def on_end(self) -> None:
        self.complete = True


def read_multipart(body: bytes, content_type: str, charset: str) -> Iterator[Pair]:
    """Yield the parts by name: a text, or `{filename, content_type, size, base64}`. Raises `Malformed`.

    `charset` is that of names and of texts that declare none.
    """
    _, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise Malformed("The multipart body's Content-Type has no boundary; let the sender's library set that header.")
    for part in _parts(body, boundary):
        _, disposition = parse_options_header(part.headers.get("content-disposition", b""))
        name = disposition.get(b"name")
        if name is None:
            raise Malformed("The multipart body has a part without a name; let the sender name every field.")
        yield _text(name, charset), _value(part, disposition.get(b"filename"), charset)


def _parts(body: bytes, boundary: bytes) -> list[_Part]:
    found = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": found.on_part_begin,
                "on_part_data": found.on_part_data,
                "on_header_field": found.on_header_field,
                "on_header_value": found.on_header_value,
                "on_header_end": found.on_header_end,
                "on_end": found.on_end,
            },
        )
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise Malformed(f"The multipart body is not well-formed at byte {error.offset}; mend the sender.") from None
    except FormParserError:
        raise Malformed("The multipart body's boundary is too long; mend the sender.") from None
    if not found.complete:
        raise Malformed("The multipart body breaks off before its last boundary; let the sender send it whole.")
    return found.parts


def _value(part: _Part, filename: bytes | None, charset: str) -> JsonValue:
    content_type = part.headers.get("content-type", b"").decode("latin-1")
    if filename is None:
        return _text(bytes(part.body), declared_charset(f"{content_type}; charset={charset}"))
    return {
        "filename": _text(filename, charset),
        "content_type": content_type,
        "size": len(part.body),
        "base64": base64.b64encode(part.body).decode(),
    }


def _text(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(charset)
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The multipart body has a name or a value that is not {charset} text: the byte at position {error.start} "
            "cannot be read; let the sender declare the charset in Content-Type, or set the option charset."
        ) from None
