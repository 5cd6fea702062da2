"""The command notify-test: whether notices reach the operator."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from jackfield.alarms import Report
from jackfield.cli.output import console, plain
from jackfield.cli.workspace import HERE, ProjectOption, Workspace
from jackfield.clock import utc_now
from jackfield.errors import ConfigurationError, JackfieldError, PluginError, StepFailure
from jackfield.http import HttpPool
from jackfield.models import Notice, NoticeKind
from jackfield.notice_texts import notice_of
from jackfield.notifiers import NotifierDefinition, delivered, read_notifiers
from jackfield.settings import Project
from jackfield.tomlfile import did_you_mean


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(notify_test)


def notify_test(
    notifier: Annotated[str | None, typer.Argument(help="Try only this one.")] = None, project: ProjectOption = HERE
) -> None:
    """Send a test through every notifier of `[notices]`. Exits with 1 if one fails; needs no running host."""
    workspace = Workspace.open(project)
    definitions, problems = read_notifiers(workspace.project, workspace.loader)
    names = [one.kind.name for one in definitions]
    if notifier is not None and notifier not in names and not problems:
        raise JackfieldError(f"jackfield.toml has no [notices.{notifier}]{did_you_mean(notifier, names)}")
    chosen = [one for one in definitions if notifier in (None, one.kind.name)]
    if not chosen and not problems:
        raise JackfieldError("nobody is told anything: write a table such as [notices.email] into jackfield.toml")
    results = asyncio.run(_tried(workspace.project, chosen))
    for name, error in results.items():
        console().print(f"{name}: {plain(error) if error else 'delivered'}")
    if problems:
        raise ConfigurationError(problems)
    if any(results.values()):
        raise typer.Exit(1)


async def _tried(project: Project, definitions: list[NotifierDefinition]) -> dict[str, str | None]:
    """Send a test through each, and say what went wrong."""
    now = utc_now()
    notice = notice_of(Report(NoticeKind.TEST, None, now), "", None, project.settings.notices.language, now)
    http = HttpPool(allow=project.settings.http.allow, folder=project.folder)
    try:
        return {one.kind.name: await _failure(one, http, notice) for one in definitions}
    finally:
        await http.close()


async def _failure(definition: NotifierDefinition, http: HttpPool, notice: Notice) -> str | None:
    try:
        notifier = definition.make(http.client)
    except PluginError as error:
        return str(error)
    try:
        await delivered(notifier, notice)
    except StepFailure as failure:
        return definition.mask(f"not delivered: {failure}")
    else:
        return None
    finally:
        await notifier.close()
