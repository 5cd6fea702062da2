"""`/healthz` and `/readyz`, open to everybody, so they say little; and `/metrics`."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from jackfield.errors import JournalDamaged, JournalError, JournalLost
from jackfield.web.state import host_of

_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(_request: Request) -> PlainTextResponse:
    """Answer 200 as long as the process answers at all."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> PlainTextResponse:
    """Answer 200 if events can be taken over, 503 if not. Notices that do not get through are said in further lines."""
    host = host_of(request)
    if not host.ready:
        return PlainTextResponse("not ready\n", status_code=503)
    try:
        await host.journal.check()
    except JournalLost:
        return PlainTextResponse("the journal's files were taken away\n", status_code=503)
    except JournalDamaged:
        return PlainTextResponse("the journal is damaged\n", status_code=503)
    except JournalError:
        return PlainTextResponse("the journal cannot be written\n", status_code=503)
    lines = ["the journal is damaged: see the page Health\n"] if host.journal.trouble() else []
    failing = [one for one in host.notices.notifiers.statuses if one.failing_since]
    lines += [f"notices: {one.name} fails since {one.failing_since:%Y-%m-%d %H:%M:%S} UTC\n" for one in failing]
    wrong = len(host.notices.notifiers.problems)
    lines += [f"notices: mistakes in jackfield.toml: {wrong}\n"] if wrong else []
    return PlainTextResponse("".join(["ready\n", *lines]))


async def metrics(request: Request) -> Response:
    """Show the host's counters in Prometheus's format."""
    host = host_of(request)
    page = host.metrics.page(await host.journal.backlog(), await host.journal.size())
    return Response(page, media_type=_METRICS_TYPE)
