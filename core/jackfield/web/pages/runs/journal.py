"""The journal: runs by pipeline, state, time and text, newest first."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.viewer import JournalViewer
from jackfield.components.values import Text
from jackfield.errors import JackfieldError, JournalUnavailable
from jackfield.journal.records import State
from jackfield.journal.views import Page
from jackfield.web.auth.page_access import page_route
from jackfield.web.pages.runs.filters import RunFilter
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

PAGE_OF_RUNS: Final = 50


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [page_route("/runs", list_runs)]


def sight_of(request: Request) -> JournalViewer:
    """Return what the visitor may see."""
    host = host_of(request)
    return JournalViewer(host.journal, host.pipelines.get, request.state.visitor.role)


def titles_of(request: Request) -> dict[str, Text]:
    """Return what people call the pipelines."""
    return {pipeline.id: pipeline.title for pipeline in host_of(request).pipelines}


async def list_runs(request: Request) -> Response:
    """Show the runs that the address asks for."""
    return await runs_page(request, RunFilter.read(request.query_params), request.query_params.get("cursor"))


async def runs_page(
    request: Request, wanted: RunFilter, cursor: str | None = None, *, error: str | None = None
) -> Response:
    """Show runs, and above them what went wrong with what somebody did to them."""
    sight = sight_of(request)
    may_search = sight.may_search(wanted.pipeline or None)
    try:
        found = await sight.search(wanted.query(cursor or None, PAGE_OF_RUNS))
    except JournalUnavailable:
        raise
    except JackfieldError as refused:
        found, error = Page([], None), error or (str(refused) if may_search else "no search")
    return page(
        request,
        "runs.html",
        422 if error else 200,
        wanted=wanted,
        found=found,
        first=not cursor,
        older=wanted.address(cursor=found.cursor) if found.cursor else None,
        titles=titles_of(request),
        states=[*State],
        may_search=may_search,
        jobs=host_of(request).bulk.jobs(),
        error=error,
    )
