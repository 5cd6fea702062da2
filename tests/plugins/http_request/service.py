"""What tests of authentication share: a service that lets in who it knows, and ways to call it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from jackfield import ActionContext, Step
from jackfield.components.plugins.registry import Registry
from jackfield.host.host import running
from jackfield.http.client import HttpPool
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import RunView
from jackfield_http_request.action import HttpRequest
from tests.destinations.kit import SETTINGS, Imitation, Received, Reply
from tests.support import Plugin, give, make_project, until


class Service(Imitation):
    """Answers 204, or with all that it received if it is to `echo`."""

    origins = ()
    secrets = {}

    def __init__(self, *troubles: Reply, echo: bool = False) -> None:
        super().__init__(*troubles)
        self.echo = echo

    def answer(self, received: Received) -> Reply:
        if not self.echo:
            return Reply(204)
        shown = {"path": received.path, "query": received.query, "headers": dict(received.headers)}
        return Reply.json(200, shown | {"body": received.body.decode()})


def step() -> Step:
    return Step(run="r", pipeline="p", name="s", attempt=1, idempotency_key="key-1")


@asynccontextmanager
async def http_request() -> AsyncIterator[HttpRequest]:
    """Make the action, with a client that reaches this machine."""
    pool = HttpPool(allow=["127.0.0.1"])
    try:
        yield HttpRequest(ActionContext(http=pool.client, log=structlog.get_logger()))
    finally:
        await pool.close()


def passed(folder: Path, service: Service, options: str, **secrets: str) -> RunView:
    """Have a host run one event through a pipeline that calls the service; return the run.

    `options` are those of the step, with the service's address as `{url}`.
    """

    async def main() -> RunView:
        plugin = Plugin()
        plugin.more.append(HttpRequest)
        async with service.serving():
            text = f'[source]\nuse = "call"\n[[steps]]\nuse = "http_request"\nurl = "{service.url}/api"\n{options}\n'
            known = "".join(f"{name} = '{value}'\n" for name, value in secrets.items())
            project = make_project(folder, {"x": text.replace("{url}", service.url)}, SETTINGS, known)
            registry = Registry.of(plugin)
            async with running(project, os.environ, registry=registry, now=lambda: datetime.now(UTC)) as host:
                return await until(host, await give(host, {}), {*SETTLED, State.WAITING})

    return asyncio.run(main())
