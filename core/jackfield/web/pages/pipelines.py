"""The table of all pipelines: the first page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.web.health import host_of
from jackfield.web.pages.access import view
from jackfield.web.pages.rendering import page


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [view("/", list_pipelines)]


async def list_pipelines(request: Request) -> Response:
    """Show every pipeline: what it connects, whether it runs, how it does."""
    host = host_of(request)
    rows = [(pipeline, host.modes.get(pipeline.id)) for pipeline in host.pipelines]
    return page(request, "pipelines.html", rows=rows)
