"""The command `pipelines`: what each of them does with events now, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import typer

from jackfield.cli.output import local, print_json, print_table, words
from jackfield.cli.workspace import HERE, JsonOption, ProjectOption, Workspace, open_journal
from jackfield.journal.records import Mode, ModeRecord
from jackfield.modes import pipeline_status
from jackfield.pipeline import Pipeline, pipeline_file


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(pipelines)


def pipelines(project: ProjectOption = HERE, *, as_json: JsonOption = False) -> None:
    """List the pipelines with their modes, and what is wrong with those that are blocked."""
    workspace = Workspace.open(project)
    modes = asyncio.run(_modes(workspace))
    found = [workspace.pipeline(id) for id in workspace.project.pipeline_files()]
    if as_json:
        print_json([pipeline_status(one, modes.get(one.id, ModeRecord())) for one in found])
    else:
        rows = [_row(one, modes.get(one.id, ModeRecord())) for one in found]
        print_table(["PIPELINE", "TITLE", "MODE", "STATE", "REASON"], rows)


def hindrance(id: str, pipeline: Pipeline | None, record: ModeRecord) -> str | None:
    """Say what keeps the runs of a pipeline from starting; None if nothing does."""
    if record.mode is not Mode.RUNNING:
        since = f"pipeline {id} is {record.mode} since {local(record.since)}"
        return f"{since} ({record.reason or 'no reason given'}); `jackfield start {id}` lets them run"
    if pipeline is None:
        return f"pipeline {id} is gone: there is no {pipeline_file(id)}"
    return f"pipeline {id} is blocked: {pipeline.blocked}" if pipeline.blocked else None


async def _modes(workspace: Workspace) -> Mapping[str, ModeRecord]:
    async with open_journal(workspace.project) as journal:
        return await journal.modes()


def _row(pipeline: Pipeline, record: ModeRecord) -> list[str]:
    state = "blocked" if pipeline.blocked else "ok"
    reasons = "; ".join(filter(None, (record.reason, pipeline.blocked)))
    return [pipeline.id, words(pipeline.title), record.mode, state, reasons]
