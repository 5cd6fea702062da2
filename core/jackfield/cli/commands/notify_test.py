"""The command notify-test: whether notices reach the operator."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, ProjectOption, Workspace
from jackfield.cli.output import console, plain
from jackfield.cli.remote import remote_desk
from jackfield.clock import utc_now
from jackfield.errors import ConfigurationError
from jackfield.http.client import HttpPool
from jackfield.notices.notifiers import read_notifiers
from jackfield.notices.sample_notice import NotifiersTried, try_notifiers
from jackfield.notices.texts import trial_notice


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(notify_test)


def notify_test(
    notifier: Annotated[str | None, typer.Argument(help="Try only this one.")] = None,
    project: ProjectOption = HERE,
    url: UrlOption = None,
) -> None:
    """Send a test through every notifier of `[notices]`. Exits with 1 if one fails; needs no running host."""
    tried = asyncio.run(_far(url, notifier) if url else _here(project, notifier))
    for one in tried.notifiers:
        console().print(f"{one.name}: {plain(one.error) if one.error else 'delivered'}")
    if tried.problems:
        raise ConfigurationError(tried.problems)
    if any(one.error for one in tried.notifiers):
        raise typer.Exit(1)


async def _here(folder: Path, notifier: str | None) -> NotifiersTried:
    workspace = Workspace.open(folder)
    definitions, problems = read_notifiers(workspace.project, workspace.loader)
    settings = workspace.project.settings
    notice = trial_notice(settings.notices.language, utc_now())
    http = HttpPool(allow=settings.http.allow, folder=folder)
    try:
        return await try_notifiers(definitions, problems, notifier, notice, http)
    finally:
        await http.close()


async def _far(url: str, notifier: str | None) -> NotifiersTried:
    async with remote_desk(url) as far:
        return await far.test_notice(notifier)
