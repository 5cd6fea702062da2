"""Parameters: what a request carries in its query and in its body, by name."""

from __future__ import annotations

import json
import math
import re
from binascii import unhexlify
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from jackfield import JsonObject, JsonValue, Malformed, WebhookRequest, declared_charset, is_json_type

_ESCAPES: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_JSON_BODY: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name, and the names that came more than once in the query or in the body."""

    values: JsonObject
    repeated: frozenset[str] = frozenset()


def read_parameters(request: WebhookRequest) -> Parameters:
    """Merge the query and the body; of a name that is in both, the body's value counts, of repeats the last.

    Values of a query or a form are text exactly as it came, values of a JSON body keep their type. A body is read by
    what it looks like, unless its Content-Type says that it is JSON. Raises `Malformed`.
    """
    query = _form(octets(request.query), "utf-8")
    body = _body(request)
    return Parameters({**query.values, **body.values}, query.repeated | body.repeated)


def find_parameter(request: WebhookRequest, name: str) -> Iterator[bytes]:
    """Yield the value that the query and the one that the body has for this name, whatever is wrong with the rest."""
    wanted = name.encode()
    yield from _last(octets(request.query), wanted)
    if not _is_json(request):
        yield from _last(request.body, wanted)
        return
    with suppress(Malformed):
        value = _body(request).values.get(name)
        if isinstance(value, str):
            yield value.encode()


def octets(text: str) -> bytes:
    """Give back the bytes of a query or a header, which a server hands over as Latin-1.

    Text that no server could have made so, written by hand, is taken for UTF-8.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _body(request: WebhookRequest) -> Parameters:
    body = request.body
    if not body or body.isspace():
        return Parameters({})
    charset = declared_charset(request.header("content-type"))
    if _is_json(request):
        return _json(body, charset)
    if b"=" not in body or _is_multipart(request):
        raise Malformed("The body is neither a JSON object nor form parameters; let GetCourse send one of the two.")
    return _form(body, charset)


def _is_json(request: WebhookRequest) -> bool:
    return is_json_type(request.header("content-type")) or _JSON_BODY.match(request.body) is not None


def _is_multipart(request: WebhookRequest) -> bool:
    return (request.header("content-type") or "").lstrip().lower().startswith("multipart/")


def _json(body: bytes, charset: str) -> Parameters:
    try:
        text = body.decode(charset).removeprefix("\N{BYTE ORDER MARK}")
        value = from_json(text, allow_inf_nan=False)
        repeated = _repeated_keys(text)
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The JSON body is not {charset} text: the byte at position {error.start} cannot be read; let it be "
            "sent as UTF-8."
        ) from None
    except ValueError as error:
        raise Malformed(
            f"The body is not valid JSON: {error}; if a quotation mark or a line break in a value did that, let "
            "GetCourse send form parameters."
        ) from None
    if not isinstance(value, dict):
        raise Malformed('The JSON body is not an object; write it as {"name": "value", ...}.')
    return Parameters(value, repeated)


def _repeated_keys(text: str) -> frozenset[str]:
    """Find the keys that an object of this JSON, which is valid, has more than once."""
    repeated: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> None:
        repeated.update(_repeated(name for name, _ in pairs))

    json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=_finite)
    return frozenset(repeated)


def _finite(number: str) -> None:
    if math.isinf(float(number)):
        raise ValueError(f"the number {number[:20]} is out of range")


def _form(form: bytes, charset: str) -> Parameters:
    pairs = list(_decoded(_pairs(form), charset))
    values: dict[str, JsonValue] = dict(pairs)
    return Parameters(values, _repeated(name for name, _ in pairs) if len(values) < len(pairs) else frozenset())


def _pairs(form: bytes) -> Iterator[tuple[bytes, bytes]]:
    for pair in form.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield _unquoted(name), _unquoted(value)


def _unquoted(text: bytes) -> bytes:
    """Undo percent-encoding by way of Python's own escapes, which C reads: Cyrillic text is nothing but escapes."""
    if b"%" not in text:
        return text
    try:
        return text.replace(b"\\", rb"\\").replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:  # a percent sign that begins no escape
        return _ESCAPES.sub(lambda escapes: unhexlify(escapes[0].replace(b"%", b"")), text)


def _decoded(pairs: Iterable[tuple[bytes, bytes]], charset: str) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        try:
            yield name.decode(charset), value.decode(charset)
        except UnicodeDecodeError as error:
            shown = name[:60].decode("utf-8", "backslashreplace")
            raise Malformed(
                f"The parameter {shown!r} is not {charset} text: the byte at position {error.start} cannot be read; "
                "let it be sent as UTF-8, percent-encoded."
            ) from None


def _last(form: bytes, wanted: bytes) -> list[bytes]:
    return [value for name, value in _pairs(form) if name == wanted][-1:]


def _repeated(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name, times in Counter(names).items() if times > 1)
