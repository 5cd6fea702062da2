"""What the web application keeps for its requests: the running host."""

from __future__ import annotations

from starlette.requests import Request

from jackfield.host.host import Host


def host_of(request: Request) -> Host:
    """Return the host that this application belongs to."""
    host: Host = request.app.state.host
    return host
