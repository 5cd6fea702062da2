"""Bodies of XML, read without what makes XML dangerous: no document type, no entities, no great depth."""

from __future__ import annotations

import codecs
import re
from typing import Any, Final
from xml.parsers import expat

import xmltodict  # type: ignore[import-untyped]

from jackfield import JsonObject, Malformed, declared_charset

_DEEPEST: Final = 64
_MOST: Final = 50_000
_DECLARATION: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([^\"'>]*)")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\0", b"\0<")


def read_xml(body: bytes, charset: str | None) -> JsonObject:
    """Read XML into an object: attributes as `@name`, text beside them as `#text`, repeated elements as a list.

    `charset` is the declared one; where there is none, what the document says of itself counts. Raises `Malformed`.
    """
    try:
        text = body.decode(charset or _own_charset(body)).removeprefix("\N{BYTE ORDER MARK}").encode()
        _check(text)
        document: dict[str, Any] = xmltodict.parse(text, encoding="utf-8", disable_entities=True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Malformed(f"The body is not valid XML: {error}.") from None
    return document


def _own_charset(body: bytes) -> str:
    """Return the charset that a document names. Expat is not asked: Python remembers each name that it is asked for."""
    if body.startswith(_UTF_16[:2]):
        return "utf-16"
    if body.startswith(_UTF_16[2:]):
        return "utf-16-le" if body[0] else "utf-16-be"
    declared = _DECLARATION.match(body)
    if declared is None:
        return "utf-8"
    name = declared[1].decode("latin-1")
    charset = declared_charset(f"text/xml; charset={name}")
    if charset == "utf-8" and name.lower() not in {"utf-8", "utf8"}:
        raise ValueError(f"its encoding {name[:40]!r} is not known here")
    return charset


def _check(body: bytes) -> None:
    parser = expat.ParserCreate("utf-8")
    depth = size = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:  # noqa: ARG001 - expat's interface
        nonlocal depth, size
        depth += 1
        size += 1 + len(attributes)
        if depth > _DEEPEST:
            raise Malformed(f"The XML body is nested more than {_DEEPEST} elements deep.")
        if size > _MOST:
            raise Malformed(f"The XML body has more than {_MOST} elements and attributes.")

    def on_end(name: str) -> None:  # noqa: ARG001 - as above
        nonlocal depth
        depth -= 1

    def on_doctype(*_: object) -> None:
        raise Malformed("The XML body has a document type (DOCTYPE), which is not read; let it be sent without.")

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.StartDoctypeDeclHandler = on_doctype
    parser.Parse(body, True)  # noqa: FBT003 - expat's interface
