"""Commands about pipelines: pipelines, start, hold, stop, versions, restore."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jackfield.cli.client import UrlOption, open_desk
from jackfield.cli.local import HERE, JsonOption, ProjectOption
from jackfield.cli.output import console, local, print_json, print_table, words
from jackfield.journal.records import Mode
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.modes import PipelineStatus
from jackfield.web.api.endpoints.files import PipelineVersion

_Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (pipelines, start, hold, stop, versions, restore):
        app.command()(command)


def pipelines(project: ProjectOption = HERE, url: UrlOption = None, *, as_json: JsonOption = False) -> None:
    """List the pipelines with their modes, and what is wrong with those that are blocked."""
    found = asyncio.run(_pipelines(project, url))
    if as_json:
        print_json(found)
    else:
        print_table(["PIPELINE", "TITLE", "MODE", "STATE", "REASON"], map(_row, found))


async def _pipelines(folder: Path, url: str | None) -> Sequence[PipelineStatus]:
    async with open_desk(folder, url) as desk:
        return await desk.pipelines()


def _row(pipeline: PipelineStatus) -> list[str]:
    state = "blocked" if pipeline.blocked else "ok"
    reasons = "; ".join(filter(None, (pipeline.mode_reason, pipeline.blocked)))
    return [pipeline.id, words(pipeline.title), pipeline.mode, state, reasons]


def blocked_reason(id: str, pipeline: PipelineStatus | None) -> str | None:
    """Say what keeps the runs of a pipeline from starting; None if nothing does."""
    if pipeline is None:
        return f"pipeline {id} is gone: there is no {pipeline_file(id)}"
    if pipeline.mode is not Mode.RUNNING:
        since = f"pipeline {id} is {pipeline.mode} since {local(pipeline.mode_since)}"
        return f"{since} ({pipeline.mode_reason or 'no reason given'}); `jackfield start {id}` lets them run"
    return f"pipeline {id} is blocked: {pipeline.blocked}" if pipeline.blocked else None


def start(pipeline: _Pipeline, project: ProjectOption = HERE, url: UrlOption = None) -> None:
    """Let a pipeline accept events and run them."""
    _set_mode(project, url, pipeline, Mode.RUNNING, "runs")


def hold(pipeline: _Pipeline, project: ProjectOption = HERE, url: UrlOption = None) -> None:
    """Put a pipeline on hold: it accepts events and keeps them."""
    _set_mode(project, url, pipeline, Mode.HELD, "is on hold: events are accepted and kept")


def stop(pipeline: _Pipeline, project: ProjectOption = HERE, url: UrlOption = None) -> None:
    """Stop a pipeline: senders are answered 503. What is turned away is in the journal and can be replayed."""
    _set_mode(project, url, pipeline, Mode.STOPPED, "is stopped: senders are answered 503")


def _set_mode(folder: Path, url: str | None, id: str, mode: Mode, words: str) -> None:
    async def write() -> None:
        async with open_desk(folder, url) as desk:
            await desk.set_mode(id, mode, "set on the command line")

    asyncio.run(write())
    console().print(f"{id} {words}")


def versions(
    pipeline: _Pipeline, project: ProjectOption = HERE, url: UrlOption = None, *, as_json: JsonOption = False
) -> None:
    """List the versions of a pipeline that the journal has, the newest first."""
    found = asyncio.run(_versions(project, url, pipeline))
    if as_json:
        print_json(found)
    else:
        rows = [[one.id, local(one.since), "current" if one.current else ""] for one in found]
        print_table(["VERSION", "FIRST TAKEN OVER", ""], rows)


async def _versions(folder: Path, url: str | None, id: str) -> Sequence[PipelineVersion]:
    async with open_desk(folder, url) as desk:
        return await desk.versions(id)


def restore(
    pipeline: _Pipeline,
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    project: ProjectOption = HERE,
    url: UrlOption = None,
) -> None:
    """Bring a version of a pipeline back: its text becomes the file, as a new change. A host takes it over at once."""

    async def write() -> None:
        async with open_desk(project, url) as desk:
            await desk.restore(pipeline, version)

    asyncio.run(write())
    console().print(f"{pipeline_file(pipeline)} is version {version} again")
