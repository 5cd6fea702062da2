"""The body of a request and the Content-Type that goes with it."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

from jackfield_http_request.options import HttpRequestOptions
from jackfield_http_request.pairs import percent_encode
from jackfield_http_request.requests.empty import pairs_with_value, without_empty
from jackfield_http_request.requests.multipart import encode_parts


def encode_body(options: HttpRequestOptions) -> tuple[bytes, bytes]:
    """Return the body and its Content-Type, both empty if the options give none.

    Raises ValueError for numbers that JSON cannot hold, and for text that UTF-8 cannot hold.
    """
    given = options.model_fields_set
    if "json_" in given:
        return _json(without_empty(options.json_) if options.omit_empty else options.json_), b"application/json"
    if "form" in given:
        form = pairs_with_value(options.form) if options.omit_empty else options.form
        return percent_encode(form).encode(), b"application/x-www-form-urlencoded"
    if "multipart" in given:
        return encode_parts([part for part in options.multipart if part.content or not options.omit_empty])
    if options.body is not None:
        kind = b"application/xml" if options.body.startswith("<?xml") else b"text/plain"
        return options.body.encode(), kind + b"; charset=utf-8"
    return b"", b""


def _json(value: Any) -> bytes:
    content = to_json(value)
    if b"NaN" in content or b"Infinity" in content:
        json.dumps(value, allow_nan=False)  # raises, unless they are only words in a text
    return content
