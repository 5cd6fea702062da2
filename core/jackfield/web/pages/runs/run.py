"""One run: its event, its request, every attempt of every step, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host.host import Host
from jackfield.journal.protocol import Journal
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import RunSummary, RunView
from jackfield.runs.replay import Replays, step_to_resume
from jackfield.web.auth.page_access import page_route
from jackfield.web.pages.runs.hints import run_hint, warning_hint
from jackfield.web.pages.runs.journal import sight_of, titles_of
from jackfield.web.pages.runs.timeline import run_timeline, turn_of
from jackfield.web.render.excerpt import Excerpts
from jackfield.web.render.json_tree import read_tree
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_NO_ERRORS: Final[Mapping[str, str]] = {"run": "", "replay": "", "event": ""}

_ROOM: Final = 900_000
"""Bytes of what a run was sent, sent and was answered that its page has room for."""


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [page_route("/runs/{id}.json", download_run), page_route("/runs/{id}", show_run)]


async def show_run(request: Request) -> Response:
    """Show a run with everything that happened to it."""
    return await run_page(request, await seen_run(request), done=request.query_params.get("done", ""))


async def download_run(request: Request) -> Response:
    """Give a run as the API does."""
    seen = await seen_run(request)
    name = f"run-{seen.summary.id}.json"
    try:
        body = to_json(seen)
    except ValueError:  # half a character, which UTF-8 has not, and JSON can write
        body = json.dumps(seen, default=_plain).encode()
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, headers=headers, media_type="application/json")


async def seen_run(request: Request) -> RunView:
    """Return the run that the address names, as the visitor may see it; there is no page if there is none."""
    seen = await sight_of(request).run(request.path_params["id"])
    if seen is None:
        raise HTTPException(404)
    return seen


async def run_page(
    request: Request,
    seen: RunView,
    *,
    done: str = "",
    status: int = 200,
    errors: Mapping[str, str] = _NO_ERRORS,
    replay: Mapping[str, str] | None = None,
) -> Response:
    """Show a run; `errors` and `replay` are what was wrong with a form, and what was filled in."""
    host, sight, summary = host_of(request), sight_of(request), seen.summary
    version = await host.journal.version(summary.pipeline, summary.version)
    excerpts = Excerpts(_ROOM)
    event = excerpts.json(seen.event.data)
    editable = event.whole and excerpts.takes(event.text)
    under_way = host.runner.under_way.get(summary.id)
    steps = run_timeline(seen, version, host.registry.actions, host.intake.now(), excerpts, under_way=under_way)
    return page(
        request,
        "run.html",
        status,
        seen=seen,
        summary=summary,
        title=titles_of(request).get(summary.pipeline, summary.pipeline),
        steps=steps,
        turn=turn_of(steps),
        running=State.RUNNING,
        **_said_of(seen),
        tree=read_tree(seen.event.data),
        event=event,
        editable=editable,
        body=excerpts.body(seen.request.body),
        duplicates=[(one, excerpts.json(one.event.data)) for one in seen.duplicates],
        hides=sight.hides(summary.pipeline),
        hides_all=sight.hides_all(summary.pipeline),
        done=done,
        **_pipeline_now(host, summary),
        **_replay_form(seen, event.text if editable else "", replay, errors),
        **await _replays_of(seen, host.journal),
    )


def _pipeline_now(host: Host, summary: RunSummary) -> dict[str, Any]:
    """Say how the pipeline is now, which may be another than the run had."""
    current = host.pipelines.get(summary.pipeline)
    return {
        "exists": current is not None,
        "changed": current is not None and current.version != summary.version,
        "mode": host.modes.get(summary.pipeline),
    }


def _said_of(seen: RunView) -> dict[str, Any]:
    """Say whether the run is over, and what to do about its error and its warnings."""
    warnings = [(one, warning_hint(one)) for one in seen.summary.warnings]
    return {"hint": run_hint(seen), "warnings": warnings, "settled": seen.summary.state in SETTLED}


def _replay_form(
    seen: RunView, event: str, given: Mapping[str, str] | None, errors: Mapping[str, str]
) -> dict[str, Any]:
    """Fill in the form for a replay, with what was `given`, and wrong with that, if it comes back."""
    resume = step_to_resume(seen)
    filled = given or {"from_step": resume or "", "on": "current", "event": event}
    return {"resume": resume, "replay": filled, "errors": {**_NO_ERRORS, **errors}}


async def _replays_of(seen: RunView, journal: Journal) -> dict[str, Any]:
    """Find the run that repaired or replaced this one, and all that replay it."""
    repair = await _known(journal, seen.summary.repaired_by or seen.summary.replaced_by)
    return {"repair": repair, "replays": await journal.glance(seen.replays)}


def operations_of(request: Request) -> Replays:
    """Return what an operator can do to runs."""
    host = host_of(request)
    return Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)


async def _known(journal: Journal, run: str | None) -> str | None:
    """Return the id of a run, if the journal still has the run."""
    return run if run and await journal.glance([run]) else None


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, AbstractSet):
        return sorted(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]
