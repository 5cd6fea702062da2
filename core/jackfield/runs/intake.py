"""From a request to runs in the journal: verify, parse, accept, reply. Whatever is turned down is journalled, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple

import structlog
import uuid_utils
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from jackfield.components.base import WebhookSource
from jackfield.components.host_keys.tables import ReplySettings
from jackfield.components.json_values import MOST_LEVELS, NotJsonError, TooDeepError, check_json
from jackfield.components.values import Event, JsonObject, WebhookReply, WebhookRequest
from jackfield.errors import JackfieldError, Malformed, TemplateError, Unauthorized
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Mode, NewRun, Refusal, StoredRequest
from jackfield.journal.stored_requests import STORED_BODY, restored_request, stored_request
from jackfield.pipelines.definition import Pipeline, SourceDefinition
from jackfield.pipelines.document import event_document
from jackfield.runs.metrics import Metrics
from jackfield.runs.reply import checked_reply, configured_reply
from jackfield.templates.engine import Template

_STRANGERS_BODY: Final = 4000
_TURN: Final = 0.02
"""Seconds of one request's templates after which it is everybody else's turn: a request may have many events."""
_EVENT_KEY: Final[TypeAdapter[str | None]] = TypeAdapter(str | None)


class _Refused(JackfieldError):  # noqa: N818
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Taken(NamedTuple):
    """What became of a request: its answer, the runs that its events are in, or why it was refused."""

    reply: WebhookReply
    runs: Sequence[str] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes requests over for all pipelines of a host."""

    journal: Journal
    metrics: Metrics
    now: Callable[[], datetime]

    async def receive(self, pipeline: Pipeline, mode: Mode, request: WebhookRequest) -> Taken:
        """Take a request over, and say what to answer and what became of it.

        When the answer is 200, every event in the request is on disk. Raises `JournalUnavailable` if nothing could be
        written: then nothing was promised.
        """
        try:
            source = _open_source(pipeline, mode, request.method)
            events = _read(source.source, request)
        except _Refused as refused:
            await self.refuse(pipeline, request, refused.status, refused.reason)
            body = f"{_PUBLIC[refused.status]}\n".encode()
            return Taken(WebhookReply(refused.status, body), refused=pipeline.mask(refused.reason))
        if not events:
            await self.refuse(pipeline, request, 200, "there is no event in this request")
        runs = await self._accept(pipeline, source, request, events) if events else []
        return Taken(self._reply(pipeline, source, request, events, runs), runs)

    async def refuse(self, pipeline: Pipeline, request: WebhookRequest, status: int, reason: str) -> None:
        """Write down a request that is turned away, complete, so that it can be accepted later."""
        await self._refuse(pipeline, _stored(pipeline, request, cap=None), request.received_at, status, reason)

    async def refuse_too_large(
        self, pipeline: Pipeline, request: WebhookRequest, status: int, reason: str, *, complete: bool
    ) -> None:
        """Write down a request of which more was sent than is taken: whole if it is, else its beginning."""
        stored = _stored(pipeline, request, cap=None) if complete else _stored(pipeline, request)
        reason = reason if complete else f"{reason}; only its beginning was kept"
        await self._refuse(pipeline, stored, request.received_at, status, reason)

    async def refuse_stranger(self, pipeline: Pipeline, request: WebhookRequest) -> None:
        """Write down a request with a wrong token, cut short: anybody can send these."""
        stored = _stored(pipeline, request, cap=_STRANGERS_BODY)
        reason = "the token in the address is wrong; copy the address again"
        await self._refuse(pipeline, stored, request.received_at, 404, reason)

    async def _refuse(
        self, pipeline: Pipeline, stored: StoredRequest, received_at: datetime, status: int, reason: str
    ) -> None:
        self.metrics.refused(pipeline.id, status)
        reason = pipeline.mask(reason)
        await self.journal.refuse(Refusal(new_id(), pipeline.id, received_at, status, reason, stored))
        structlog.get_logger().warning("request refused", pipeline=pipeline.id, status=status, reason=reason)

    async def accept_refused(self, pipeline: Pipeline, refusal: Refusal) -> Sequence[str]:
        """Accept a refused request after all, unverified: the operator has decided. Returns the ids of its runs.

        Raises `NotFound` if it was accepted before, `JackfieldError` if it cannot be read even now.
        """
        if refusal.request.cut:
            raise JackfieldError(f"request {refusal.id} cannot be accepted: only the beginning of it was kept")
        if refusal.request.masked:
            reason = "it was stored without the secret in it; let the sender send it again"
            raise JackfieldError(f"request {refusal.id} cannot be accepted: {reason}")
        request = restored_request(refusal)
        try:
            source = _source(pipeline)
            events = _parsed(source.source, request)
        except _Refused as refused:
            raise JackfieldError(f"request {refusal.id} still cannot be accepted: {refused.reason}") from None
        if not events:
            raise JackfieldError(f"request {refusal.id} cannot be accepted: there is no event in it")
        return await self._accept(pipeline, source, request, events, refusal.id)

    async def _accept(
        self,
        pipeline: Pipeline,
        source: SourceDefinition,
        request: WebhookRequest,
        events: Sequence[Event],
        refusal: str | None = None,
    ) -> list[str]:
        """Write the events down and return the runs that they are, or are duplicates of.

        What the request was is kept with the first of its events.
        """
        stored = _stored(pipeline, request)
        rest = replace(stored, body="", cut=True)
        runs, turn = list[NewRun](), monotonic()
        for event in events:
            if monotonic() - turn > _TURN:
                await asyncio.sleep(0)
                turn = monotonic()
            runs.append(_new_run(pipeline, source, request, event, rest if runs else stored))
        accepted = await self.journal.accept(runs, refusal=refusal)
        duplicates = sum(one.duplicate_of is not None for one in accepted)
        self.metrics.accepted(pipeline.id, len(runs), duplicates)
        return [one.duplicate_of or one.id for one in accepted]

    def _reply(
        self,
        pipeline: Pipeline,
        source: SourceDefinition,
        request: WebhookRequest,
        events: Sequence[Event],
        runs: Sequence[str],
    ) -> WebhookReply:
        try:
            if source.reply is None or not runs:
                return checked_reply(source.source.reply(request, runs))
            value = source.reply.render(event_document(pipeline, runs[0], request.received_at, events[0]))
            return configured_reply(source.settings.reply or ReplySettings(), value)
        except Exception as error:  # noqa: BLE001 - a template or plugin at fault; the events are safe, so the answer is still yes
            log = structlog.get_logger()
            log.warning(
                "the reply could not be made; answered 200", pipeline=pipeline.id, error=pipeline.mask(str(error))
            )
            return WebhookReply(body=b"accepted\n")


def _open_source(pipeline: Pipeline, mode: Mode, method: str) -> SourceDefinition:
    if mode is Mode.STOPPED:
        raise _Refused(503, "the pipeline is stopped; start it, then accept this request from the journal")
    source = _source(pipeline)
    if method not in source.source.methods:
        allowed = ", ".join(sorted(source.source.methods))
        raise _Refused(405, f"{method} is not accepted here, only {allowed}")
    return source


def _source(pipeline: Pipeline) -> SourceDefinition:
    if pipeline.source is None:
        raise _Refused(503, f"the pipeline has no working source: {pipeline.blocked}")
    return pipeline.source


def _read(source: WebhookSource[Any], request: WebhookRequest) -> list[Event]:
    try:
        source.verify(request)
    except Unauthorized as error:
        raise _Refused(401, str(error)) from None
    except Exception as error:  # noqa: BLE001 - a plugin's fault: the request is kept, and can be accepted once that is mended
        raise _Refused(500, f"source {source.name} failed to verify it: {error!r}") from None
    return _parsed(source, request)


def _parsed(source: WebhookSource[Any], request: WebhookRequest) -> list[Event]:
    try:
        events = list(source.parse(request))
        for event in events:
            _check_data(event.data)
            _EVENT_KEY.validate_python(event.key)
    except Malformed as error:
        raise _Refused(400, str(error)) from None
    except TooDeepError:
        raise _Refused(
            400, f"the event is nested more than {MOST_LEVELS} levels deep, which nothing here reads"
        ) from None
    except (NotJsonError, ValidationError):
        raise _Refused(500, f"source {source.name} made an event that is not JSON") from None
    except Exception as error:  # noqa: BLE001 - as above
        raise _Refused(500, f"source {source.name} failed to read it: {error!r}") from None
    return events


def _check_data(data: object) -> None:
    if not isinstance(data, dict):
        raise NotJsonError
    check_json(data)


def _new_run(
    pipeline: Pipeline, source: SourceDefinition, request: WebhookRequest, event: Event, stored: StoredRequest
) -> NewRun:
    id = new_id()
    warnings: list[str] = []
    document: JsonObject = {}
    labeller = pipeline.labeller
    if source.dedupe is not None or pipeline.order_by is not None or labeller.template is not None:
        document = event_document(pipeline, id, request.received_at, event)
    dedupe_key = _key(source.dedupe, "source.dedupe", document, warnings) if source.dedupe else event.key or None
    order_key = _key(pipeline.order_by, "order_by", document, warnings)
    label = labeller.label(event, document, warnings)
    if warnings:
        event = Event(event.data, event.blank, (*event.warnings, *warnings))
    return NewRun(
        id=id,
        pipeline=pipeline.id,
        version=pipeline.version,
        received_at=request.received_at,
        event=event,
        request=stored,
        order_key=order_key,
        dedupe_key=dedupe_key,
        dedupe_within=source.settings.dedupe_within,
        label=label,
    )


def _key(template: Template | None, where: str, document: JsonObject, warnings: list[str]) -> str | None:
    """Render the key that runs are compared by. An event without one is taken all the same, with a warning."""
    if template is None:
        return None
    try:
        key = template.render(document)
    except TemplateError as error:
        warnings.append(str(error))
        return None
    if key is None or key == "":
        warnings.append(f"{where}: there is no value in this event")
        return None
    return key if isinstance(key, str) else to_json(key).decode()


_PUBLIC: Final = {
    400: "the request cannot be read",
    401: "not authorised",
    405: "method not allowed",
    500: "the request could not be processed",
    503: "not accepting requests now",
}


def new_id() -> str:
    """Make the id of a run or a refused request: a UUIDv7, so that ids are in the order of time."""
    return str(uuid_utils.uuid7())


def _stored(pipeline: Pipeline, request: WebhookRequest, *, cap: int | None = STORED_BODY) -> StoredRequest:
    confidential = pipeline.source.confidential if pipeline.source else frozenset[str]()
    return stored_request(request, pipeline.mask, confidential, cap=cap)
