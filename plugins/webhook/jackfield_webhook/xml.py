"""Bodies of XML, read without what makes XML dangerous: no document type, no entities, no great depth."""

from __future__ import annotations

from typing import Any, Final
from xml.parsers import expat

import xmltodict  # type: ignore[import-untyped]

from jackfield import JsonObject, Malformed

_DEEPEST: Final = 64


def read_xml(body: bytes, charset: str | None) -> JsonObject:
    """Read XML into an object: attributes as `@name`, text beside them as `#text`, repeated elements as a list.

    `charset` is the declared one; where there is none, what the document says of itself counts. Raises `Malformed`.
    """
    try:
        if charset is not None:
            body, charset = body.decode(charset).encode(), "utf-8"
        _check(body, charset)
        document: dict[str, Any] = xmltodict.parse(body, encoding=charset, disable_entities=True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Malformed(f"The body is not valid XML: {error}.") from None
    return document


def _check(body: bytes, charset: str | None) -> None:
    parser = expat.ParserCreate(charset)
    depth = 0

    def on_start(name: str, attributes: object) -> None:  # noqa: ARG001 - expat's interface
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Malformed(f"The XML body is nested more than {_DEEPEST} elements deep.")

    def on_end(name: str) -> None:  # noqa: ARG001 - as above
        nonlocal depth
        depth -= 1

    def on_doctype(*_: object) -> None:
        raise Malformed("The XML body has a document type (DOCTYPE), which is not read; let it be sent without.")

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.StartDoctypeDeclHandler = on_doctype
    parser.Parse(body, True)  # noqa: FBT003 - expat's interface
