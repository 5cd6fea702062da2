"""`/live`: tells open pages that something has changed, by server-sent events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host.host import Host
from jackfield.web.auth.page_access import page_route
from jackfield.web.auth.session import Sessions
from jackfield.web.state import host_of

MOST_STREAMS: Final = 20
"""How many streams one user may have. Only pages that are seen have one, see live.js."""
_LOOK_EVERY: Final = 1.0


@dataclass(slots=True)
class _Listeners:
    """The streams that are open, by user, the oldest first; one too many ends the oldest."""

    _streams: defaultdict[str, list[asyncio.Event]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def listening(self, user: str) -> Iterator[asyncio.Event]:
        """Count a stream of this user for as long as the block lasts; the event says that it has to end."""
        ended, streams = asyncio.Event(), self._streams[user]
        streams.append(ended)
        if len(streams) > MOST_STREAMS:
            streams.pop(0).set()
        try:
            yield ended
        finally:
            if not ended.is_set():
                streams.remove(ended)
            if not streams:
                self._streams.pop(user, None)


def routes() -> list[Route]:
    """Return the routes of this module."""
    listeners = _Listeners()

    async def stream_changes(request: Request) -> Response:
        """Send an event whenever something has changed since the last one, once a second at most."""
        sessions: Sessions = request.app.state.sessions
        changes = _changes(
            host_of(request), listeners, request.state.visitor.name, lambda: sessions.read(request).user is not None
        )
        return EventSourceResponse(changes, headers={"cache-control": "no-store"})

    return [page_route("/live", stream_changes)]


async def _changes(
    host: Host, listeners: _Listeners, user: str, logged_in: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Tell of changes until the host ends or the visitor's session does, or the visitor has too many streams."""
    with listeners.listening(user) as ended:
        seen = await _state(host)
        while not host.stopping.is_set() and logged_in():
            if ended.is_set():
                yield ServerSentEvent(event="enough", data="")
                return
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
