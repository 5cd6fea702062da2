"""`/healthz` and `/readyz`: open to everybody, so they say little."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from jackfield.errors import JournalError
from jackfield.host import Host


def host_of(request: Request) -> Host:
    """Return the host that this application belongs to."""
    host: Host = request.app.state.host
    return host


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
    except JournalError:
        return PlainTextResponse("the journal cannot be written\n", status_code=503)
    failing = [one for one in host.notices.notifiers.statuses if one.failing_since]
    lines = [f"notices: {one.name} fails since {one.failing_since:%Y-%m-%d %H:%M:%S} UTC\n" for one in failing]
    wrong = len(host.notices.notifiers.problems)
    lines += [f"notices: mistakes in jackfield.toml: {wrong}\n"] if wrong else []
    return PlainTextResponse("".join(["ready\n", *lines]))
