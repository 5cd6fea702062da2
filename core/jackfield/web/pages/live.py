"""`/live`: tells open pages that something has changed, by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host import Host
from jackfield.web.health import host_of
from jackfield.web.pages.access import view

_LOOK_EVERY: Final = 1.0


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [view("/live", stream_changes)]


async def stream_changes(request: Request) -> Response:
    """Send an event whenever something has changed since the last one, once a second at most."""
    return EventSourceResponse(_changes(host_of(request)), headers={"cache-control": "no-store"})


async def _changes(host: Host) -> AsyncIterator[ServerSentEvent]:
    seen = await _state(host)
    while not host.stopping.is_set():
        try:
            await asyncio.wait_for(host.stopping.wait(), _LOOK_EVERY)
        except TimeoutError:
            now = await _state(host)
            if now != seen:
                seen = now
                yield ServerSentEvent(event="changed", data="")


async def _state(host: Host) -> object:
    """Sum up what pages show, cheaply: how often the journal was written, which pipelines there are, what is wrong."""
    pipelines = tuple((one.id, one.version, host.modes.get(one.id)) for one in host.pipelines)
    return await host.journal.changes(), pipelines, tuple(host.problems.items())
