"""A request as the journal keeps it, and back."""

from __future__ import annotations

import base64
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json, to_json

from jackfield.components.values import WebhookRequest
from jackfield.journal.records import Refusal, StoredRequest
from jackfield.masking import CREDENTIAL_HEADERS, MASKED, Mask

STORED_BODY: Final = 64_000
"""How many bytes of an accepted request's body are kept."""


def stored_request(
    request: WebhookRequest, mask: Mask, confidential: AbstractSet[str], *, cap: int | None = STORED_BODY
) -> StoredRequest:
    """Make what the journal keeps of a request: no secret and no member of a `confidential` name.

    Of query and body it keeps `cap` bytes each at most.
    """
    clean = _without_confidential(request, confidential)
    query, body = mask(clean.query), _masked_body(clean.body, mask)
    headers = tuple((name, mask(value)) for name, value in clean.headers)
    stored = _with_body(body, request, cap)
    return replace(
        stored,
        query=query[:cap],
        headers=headers,
        cut=stored.cut or (cap is not None and len(query) > cap),
        masked=(query, headers, body) != (clean.query, clean.headers, clean.body),
    )


def restored_request(refusal: Refusal) -> WebhookRequest:
    """Make the request again out of what was kept of it."""
    stored = refusal.request
    body = base64.b64decode(stored.body) if stored.encoding == "base64" else stored.body.encode()
    headers = tuple((name, value) for name, value in stored.headers)
    return WebhookRequest(stored.method, stored.query, headers, body, refusal.received_at)


def _with_body(body: bytes, request: WebhookRequest, cap: int | None) -> StoredRequest:
    cut = cap is not None and len(body) > cap
    body = body[:cap]
    try:
        text = body.decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        return StoredRequest(request.method, "", (), base64.b64encode(body).decode(), "base64", cut)
    return StoredRequest(request.method, "", (), text, "utf-8", cut)


def _without_confidential(request: WebhookRequest, names: AbstractSet[str]) -> WebhookRequest:
    """Take the values of `names`, and credentials, out of a request."""
    hidden = CREDENTIAL_HEADERS | names
    body = request.body
    if names:
        body = _without_members(body, names) or _without_values(body, names)
    return replace(
        request,
        query=_without_values(request.query.encode("latin-1", "replace"), names).decode("latin-1"),
        headers=tuple((name, MASKED if name in hidden else value) for name, value in request.headers),
        body=body,
    )


def _masked_body(body: bytes, mask: Mask) -> bytes:
    try:
        return mask(body.decode()).encode()
    except UnicodeDecodeError:
        return mask(body.decode("latin-1")).encode("latin-1")


def _without_members(body: bytes, names: AbstractSet[str]) -> bytes | None:
    """Take values out of a JSON object; None if the body is none."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        members: dict[str, Any] = from_json(body)
    except ValueError:
        return None
    if not any(name.lower() in names for name in members):
        return body
    return to_json({name: MASKED if name.lower() in names else value for name, value in members.items()})


def _without_values(pairs: bytes, names: AbstractSet[str]) -> bytes:
    """Take values out of a query or a form, whatever its charset."""
    if not names:
        return pairs
    return b"&".join(
        name + b"=" + MASKED.encode() if equals and _name(name) in names else name + equals + value
        for name, equals, value in (pair.partition(b"=") for pair in pairs.split(b"&"))
    )


def _name(encoded: bytes) -> str:
    return unquote_to_bytes(encoded.replace(b"+", b" ")).decode("utf-8", "replace").lower()
