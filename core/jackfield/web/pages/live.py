"""`/live`: tells open pages that something has changed, by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host import Host
from jackfield.web.health import host_of
from jackfield.web.pages.access import view
from jackfield.web.pages.session import Sessions

_LOOK_EVERY: Final = 1.0


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [view("/live", stream_changes)]


async def stream_changes(request: Request) -> Response:
    """Send an event whenever something has changed since the last one, once a second at most."""
    sessions: Sessions = request.app.state.sessions
    changes = _changes(host_of(request), lambda: sessions.read(request).user is not None)
    return EventSourceResponse(changes, headers={"cache-control": "no-store"})


async def _changes(host: Host, logged_in: Callable[[], bool]) -> AsyncIterator[ServerSentEvent]:
    """Tell of changes until the host ends or the visitor's session does."""
    seen = await _state(host)
    while not host.stopping.is_set() and logged_in():
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
