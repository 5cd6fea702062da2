"""Saving a run as a test of its pipeline."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.checks.scenario import (
    SCENARIO_NAME,
    ScenarioExistsError,
    save_scenario,
    scenario_file,
    scenario_files,
    suggested_name,
)
from jackfield.checks.scenario_text import scenario_text
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.journal.views import RunView
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.render.excerpt import Excerpts
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_ROOM: Final = 500_000


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/runs/{id}/test", show_test, Role.OPERATOR),
        form_route("/runs/{id}/test", save_test, action=AuditAction.TEST_SAVED),
    ]


async def show_test(request: Request) -> Response:
    """Show the file that would be written, and ask for its name; or say that it was written."""
    run, taken = await _run(request), scenario_files(host_of(request).project.folder)
    saved = request.query_params.get("saved", "")
    name = suggested_name(run.summary.pipeline, taken)
    return _page(request, run, name=name, saved=saved if saved in taken else "")


async def save_test(request: Request) -> Response:
    """Write the file, unless there is one of this name."""
    run, host = await _run(request), host_of(request)
    name = str(request.state.form.get("name", "")).strip()
    if not SCENARIO_NAME.fullmatch(name):
        return _page(request, run, 422, name=name, wrong="name")
    try:
        async with host.files.changing(scenario_file(name), None):
            save_scenario(host.project.folder, name, _text(host, run))
    except ScenarioExistsError:
        return _page(request, run, 409, name=name, wrong="taken")
    except OSError:
        return _page(request, run, 500, name=name, wrong="disk")
    request.state.note.detail = scenario_file(name)
    return RedirectResponse(f"/runs/{run.summary.id}/test?saved={name}", status_code=303)


async def _run(request: Request) -> RunView:
    run = await host_of(request).journal.run(request.path_params["id"])
    if run is None:
        raise HTTPException(404)
    return run


def _text(host: Host, run: RunView) -> str:
    pipeline = host.pipelines.get(run.summary.pipeline)
    steps = pipeline.steps if pipeline else ()
    return scenario_text(run, {step.name for step in steps if not step.action.http_only})


def _page(
    request: Request, run: RunView, status: int = 200, *, name: str, wrong: str = "", saved: str = ""
) -> Response:
    host = host_of(request)
    pipeline = host.pipelines.get(run.summary.pipeline)
    text = Excerpts(_ROOM).text(_text(host, run))
    title = pipeline.title if pipeline else run.summary.pipeline
    return page(request, "run_test.html", status, run=run, text=text, name=name, wrong=wrong, saved=saved, title=title)
