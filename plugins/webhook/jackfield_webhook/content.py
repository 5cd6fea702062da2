"""What a request carries in its body and its query, as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json, to_json

from jackfield import JsonObject, JsonValue, Malformed, WebhookRequest, declared_charset, is_json_type
from jackfield_webhook.multipart import read_multipart
from jackfield_webhook.tree import Pair, nested
from jackfield_webhook.xml import read_xml

_FORM: Final = "application/x-www-form-urlencoded"
_XML_TYPE: Final = re.compile(r"(?:application|text)/xml|[^/\s]+/[^/\s]+\+xml")
_LOOKS_LIKE_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_LOOKS_LIKE_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[?\w]")
_LOOKS_LIKE_FORM: Final = re.compile(rb"[^\s=&<]+=\S*")


class _Body(NamedTuple):
    octets: bytes
    content_type: str
    kind: str
    charset: str


def octets(text: str) -> bytes:
    """Give back the bytes of a query or a header, which a server hands over as Latin-1.

    Text that no server could have made so, written by hand, is taken for UTF-8.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def read_query(request: WebhookRequest, charset: str) -> JsonObject:
    """Read the query, brackets and all. Raises `Malformed`."""
    return nested(_form(octets(request.query), charset)) if request.query else {}


def read_body(request: WebhookRequest, charset: str) -> JsonObject:
    """Read the body by its Content-Type, or by what it looks like where that says little. Raises `Malformed`.

    A JSON value that is no object is `{"items": [...]}` if it is a list and `{"value": ...}` if not, a text is
    `{"text": "..."}`. `charset` counts where none is declared.
    """
    if not request.body or request.body.isspace():
        return {}
    content_type = request.header("content-type") or ""
    kind = content_type.partition(";")[0].strip().lower()
    body = _Body(request.body, content_type, kind, declared_charset(f"{content_type}; charset={charset}"))
    if is_json_type(content_type):
        return _json(body)
    if kind == "multipart/form-data":
        return nested(read_multipart(body.octets, content_type, body.charset))
    if _XML_TYPE.fullmatch(kind):
        return _xml(body)
    return _by_looks(body)


def find_value(request: WebhookRequest, name: str) -> Iterator[bytes]:
    """Yield the values of a query parameter, whatever is wrong with the rest."""
    wanted = name.encode()
    yield from (value for found, value in _pairs(octets(request.query)) if found == wanted)


def _by_looks(body: _Body) -> JsonObject:
    if _LOOKS_LIKE_JSON.match(body.octets):
        with suppress(Malformed):
            return _json(body)
    if body.kind == _FORM or (not body.kind and _LOOKS_LIKE_FORM.fullmatch(body.octets)):
        return nested(_form(body.octets.strip(), body.charset))
    if not body.kind and _LOOKS_LIKE_XML.match(body.octets):
        return _xml(body)
    return {"text": _text(body)}


def _text(body: _Body) -> str:
    try:
        return body.octets.decode(body.charset).removeprefix("\N{BYTE ORDER MARK}")
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The body is not {body.charset} text: the byte at position {error.start} cannot be read; let the sender "
            "declare the charset in Content-Type, or set the option charset."
        ) from None


def _json(body: _Body) -> JsonObject:
    text = _text(body)
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from None
    if b"Infinity" in to_json(value, inf_nan_mode="constants"):
        _refuse_infinity(value)
    if isinstance(value, dict):
        return value
    return {"items": value} if isinstance(value, list) else {"value": value}


def _refuse_infinity(value: JsonValue) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Malformed("The body is not valid JSON: a number in it is out of range.")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_infinity(item)


def _xml(body: _Body) -> JsonObject:
    declared = re.search(r";\s*charset\s*=", body.content_type, re.IGNORECASE)
    return read_xml(body.octets, body.charset if declared else None)


def _form(form: bytes, charset: str) -> Iterator[Pair]:
    for name, value in _pairs(form):
        try:
            yield name.decode(charset), value.decode(charset)
        except UnicodeDecodeError as error:
            shown = name[:60].decode("utf-8", "backslashreplace")
            raise Malformed(
                f"The parameter {shown!r} is not {charset} text: the byte at position {error.start} cannot be read; "
                "let the sender declare the charset in Content-Type, or set the option charset."
            ) from None


def _pairs(form: bytes) -> Iterator[tuple[bytes, bytes]]:
    for pair in form.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield unquote_to_bytes(name), unquote_to_bytes(value)
