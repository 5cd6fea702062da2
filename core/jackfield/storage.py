"""A request as the journal keeps it, and back."""

from __future__ import annotations

import base64
from typing import Final, Literal
from urllib.parse import unquote_plus

from jackfield.journal.records import Refusal, StoredRequest
from jackfield.models import WebhookRequest
from jackfield.pipeline import Pipeline
from jackfield.secrets import Mask

_ALWAYS_MASKED: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


def stored_request(pipeline: Pipeline, request: WebhookRequest, *, cap: int | None) -> StoredRequest:
    """Make what the journal keeps of a request: nothing confidential, and no more of the body than `cap` bytes."""
    confidential = pipeline.source.source.confidential() if pipeline.source else frozenset()
    body, encoding = _text(request.body)
    if confidential and b"=" in request.body:
        body = _without_values(body, confidential)
    cut = cap is not None and len(body) > cap
    mask = pipeline.mask
    return StoredRequest(
        method=request.method,
        query=mask(_without_values(request.query, confidential)),
        headers=[(name, _header(name, value, confidential, mask)) for name, value in request.headers],
        body=mask(body)[:cap],
        encoding=encoding,
        cut=cut,
    )


def _header(name: str, value: str, confidential: frozenset[str], mask: Mask) -> str:
    return "***" if name in _ALWAYS_MASKED or name in confidential else mask(value)


def _text(body: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"


def _without_values(pairs: str, names: frozenset[str]) -> str:
    if not names:
        return pairs
    return "&".join(
        f"{name}=***" if equals and unquote_plus(name).lower() in names else f"{name}{equals}{value}"
        for name, equals, value in (pair.partition("=") for pair in pairs.split("&"))
    )


def restored_request(refusal: Refusal) -> WebhookRequest:
    """Make the request again out of what was kept of it."""
    stored = refusal.request
    body = base64.b64decode(stored.body) if stored.encoding == "base64" else stored.body.encode()
    headers = tuple((name, value) for name, value in stored.headers)
    return WebhookRequest(stored.method, stored.query, headers, body, refusal.received_at)
