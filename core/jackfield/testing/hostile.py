"""Requests that no sender would make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final
from urllib.parse import quote

from jackfield.components.values import WebhookRequest

_ODD_BODIES: Final = (
    b"",
    b"\0",
    b"{",
    b"[" * 5000,
    b'"\\ud800"',
    b'{"a": 1e999}',
    b"null",
    b"\xff\xfe",
    b"a=1&a=2&=&&%zz&%ff",
)
_ODD_TYPES: Final = (None, "", "application/json", "application/x-www-form-urlencoded", "text/xml; charset=utf-99")


def odd_requests(methods: Iterable[str], credentials: Iterable[str]) -> Iterator[WebhookRequest]:
    """Make requests that no sender would make, also with text that is not ASCII in the place of each credential."""
    for method, body, content_type in product(sorted(methods), _ODD_BODIES, _ODD_TYPES):
        headers = () if content_type is None else (("content-type", content_type),)
        yield WebhookRequest(method=method, headers=headers, body=body)
        yield WebhookRequest(method=method, headers=headers, query=body.decode("latin-1"))
    for method, name in product(sorted(methods), sorted(credentials)):
        yield WebhookRequest(method=method, headers=((name, "\xe9"),))
        yield WebhookRequest(method=method, query=f"{quote(name)}=%E9%FF")
