"""What a webhook's sender is answered: by the pipeline's own reply, or by its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import structlog
from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.components.base import WebhookSource
from jackfield.components.host_keys.tables import ReplySettings
from jackfield.components.values import WebhookReply, WebhookRequest
from jackfield.errors import PluginError
from jackfield.pipelines.definition import Pipeline

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOSTS_HEADERS: Final = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})


def configured_reply(settings: ReplySettings, value: JsonValue) -> WebhookReply:
    """Make the reply that a pipeline's file asks for."""
    if settings.json_ is not None:
        return WebhookReply(settings.status, to_json(value), "application/json")
    text = value if isinstance(value, str) else to_json(value).decode()
    return WebhookReply(settings.status, text.encode())


def checked_reply(reply: WebhookReply) -> WebhookReply:
    """Return a source's reply if it can be sent. Raises `PluginError` if not."""
    if not isinstance(reply, WebhookReply):
        raise PluginError(f"reply() returned a {type(reply).__name__}, not a WebhookReply")
    status: Any = reply.status
    if not (isinstance(status, int) and 200 <= status <= 599):  # noqa: PLR2004
        raise PluginError(f"reply() answers with {status!r}; a status is a number from 200 to 599")
    if not isinstance(reply.body, bytes):
        raise PluginError(f"reply() has a {type(reply.body).__name__} for a body, not bytes")
    kind: Any = reply.content_type
    if not (isinstance(kind, str) and kind.isascii() and kind.isprintable()):
        raise PluginError(f"reply() has a content type that cannot be sent: {kind!r}")
    _checked_headers(reply.headers)
    return reply


def _checked_headers(headers: Any) -> Sequence[tuple[str, str]]:
    """Return a source's headers if they can be sent. Raises `PluginError` if not."""
    for name, value in headers:
        if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)) or name.lower() in _HOSTS_HEADERS:
            raise PluginError(f"a source cannot set the answer's header {name!r}")
        if not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
            raise PluginError(f"the answer's header {name} has a value that cannot be sent")
    return tuple(headers)


def reply_headers(pipeline: Pipeline, request: WebhookRequest) -> Sequence[tuple[str, str]]:
    """Return what the pipeline's source adds to the answer to this request, whatever the answer is."""
    if pipeline.source is None:
        return ()
    source = pipeline.source.source
    if type(source).reply_headers is WebhookSource.reply_headers:
        return ()
    try:
        return _checked_headers(source.reply_headers(request))
    except Exception as error:  # noqa: BLE001 - a plugin's fault must not keep an event out
        log = structlog.get_logger()
        log.warning("answered without the source's headers", pipeline=pipeline.id, error=pipeline.mask(str(error)))
        return ()
