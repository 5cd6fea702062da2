"""Serves a project: opens its socket, runs its host, and ends both in good order."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from jackfield.access.users import Users
from jackfield.components.plugins.registry import Registry
from jackfield.host.host import Host, running
from jackfield.project.settings import Project, http_url
from jackfield.web.app import application
from jackfield.web.auth.first_user import FirstLink
from jackfield.web.server.connections import ConnectionLimiter, most_connections
from jackfield.web.server.listener import handed_over, listening
from jackfield.web.server.protocol import HttpProtocol
from jackfield.web.server.shutdown import end_within, stopping_within
from jackfield.web.server.uvicorn_server import Server

_COLLECTED_AFTER: Final = 20_000
"""How many objects more than at the last time make the garbage collector look for cycles."""


@dataclass(frozen=True, slots=True)
class Served:
    """A host that is reached at `url`; `ended` is done when it has been told to stop."""

    host: Host
    url: str
    ended: asyncio.Future[None]
    first: FirstLink

    def first_urls(self) -> list[str]:
        """Return where the first operator is made, while there is none: for who started the host and nobody else.

        From outside if there is such an address, and on this machine, for a proxy need not pass the pages on.
        """
        path, public = self.first.path, self.host.project.settings.server.public_url
        return [f"{url}{path}" for url in (public, self.url) if url and path]


@asynccontextmanager
async def serving(
    project: Project,
    environ: Mapping[str, str],
    *,
    registry: Registry | None = None,
    turnstile: ConnectionLimiter | None = None,
) -> AsyncIterator[Served]:
    """Serve a project for as long as the block lasts; leaving it stops the host in good order.

    It listens on the socket that systemd has handed over, if there is one. Raises `ConfigurationError` if that is of no
    use or the address is taken, `JournalUnavailable` as `running()` does.
    """
    with _listener(project, environ) as listener:
        async with running(project, environ, registry=registry) as host:
            first = FirstLink(Users(project.var))
            turnstile = turnstile or ConnectionLimiter(most_connections())
            server = Server(_config(application(host, first), turnstile))
            task = asyncio.ensure_future(server.serve(sockets=[listener]))
            clients = cast("set[HttpProtocol]", server.server_state.connections)
            watch = asyncio.create_task(turnstile.watch(clients))
            try:
                while not (server.started or task.done()):  # noqa: ASYNC110 - uvicorn has a flag and no event
                    await asyncio.sleep(0.01)
                yield Served(host, http_url(*listener.getsockname()[:2]), task, first)
            finally:
                server.end()
                await task
                watch.cancel()


async def serve(project: Project, environ: Mapping[str, str], *, ready: Callable[[Served], None]) -> None:
    """Serve a project until the process is told to end (SIGTERM, SIGINT); `ready` is called once, when it listens."""
    gc.set_threshold(_COLLECTED_AFTER)  # else it takes a sixth of the time in which thousands of pipelines are loaded
    early: list[int] = []  # uvicorn heeds what comes while it serves, then raises it once more for these handlers
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: early.append(number))
    settings = project.settings.server
    try:
        async with AsyncExitStack() as stack:
            served = await stack.enter_async_context(serving(project, environ))
            _spare_collections()
            ready(served)
            if not early:
                await asyncio.shield(served.ended)
            with stopping_within(settings.grace, settings.hang_limit):
                await stack.aclose()
    finally:
        end_within(settings.hang_limit)


def _listener(project: Project, environ: Mapping[str, str]) -> socket.socket:
    server = project.settings.server
    given = handed_over(environ)
    if given is None:
        return listening(server.host, server.port)
    host, port = given.getsockname()[:2]
    if port != server.port:
        structlog.get_logger().warning(
            "the socket that was handed over is not the one of [server] port: the commands of jackfield look there",
            handed_over=http_url(host, port),
            looked_for_at=project.settings.local_url,
        )
    return given


def _spare_collections() -> None:
    """Keep the garbage collector from looking at what stands for good, and at runs that are under way all the time.

    It took up to a fifth of the time of an event. Cycles are rare here: nearly all garbage goes by its reference count.
    """
    gc.collect()
    gc.freeze()


def _config(app: ASGIApp, turnstile: ConnectionLimiter) -> uvicorn.Config:
    protocol: Any = partial(HttpProtocol, turnstile=turnstile)  # uvicorn calls it
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,  # it would hold the tokens of webhook addresses
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
