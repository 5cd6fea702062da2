"""The body of a request and the Content-Type that goes with it."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

from jackfield_http_request.options import HttpRequestOptions
from jackfield_http_request.pairs import percent_encode


def encode_body(options: HttpRequestOptions) -> tuple[bytes, bytes]:
    """Return the body and its Content-Type, both empty if the options give none.

    Raises ValueError for numbers that JSON cannot hold, and for text that UTF-8 cannot hold.
    """
    given = options.model_fields_set
    if "json_" in given:
        return _json(options.json_), b"application/json"
    if "form" in given:
        return percent_encode(options.form).encode(), b"application/x-www-form-urlencoded"
    if options.body is not None:
        return options.body.encode(), b"text/plain; charset=utf-8"
    return b"", b""


def _json(value: Any) -> bytes:
    content = to_json(value)
    if b"NaN" in content or b"Infinity" in content:
        json.dumps(value, allow_nan=False)  # raises, unless they are only words in a text
    return content
