"""The command `audit`: who did what."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, JsonOption, ProjectOption, moment, open_journal
from jackfield.cli.output import console, local, print_json, print_table
from jackfield.cli.remote import remote_desk
from jackfield.errors import JackfieldError
from jackfield.journal.audit import AuditAction, AuditCheck, AuditEntry, AuditQuery
from jackfield.project.settings import Project


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(audit)


def audit(
    actor: Annotated[str | None, typer.Option(help="What this one did: a user, or `token NAME`.")] = None,
    action: Annotated[AuditAction | None, typer.Option(help="Only this.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what it was done to: a pipeline, a run, a file.")] = None,
    *,
    since: Annotated[str | None, typer.Option(help='A time, or how long ago, such as "2 h".')] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    check: Annotated[bool, typer.Option("--check", help="Look whether somebody has changed the log by hand.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show who did what, from where, and when, newest first."""
    if check:
        _say_check(asyncio.run(_checked(project, url)), as_json=as_json)
        return
    query = AuditQuery(actor, action, target, moment(since), None, limit)
    found = asyncio.run(_entries(project, url, query))
    if as_json:
        print_json(found)
    elif found:
        columns = ["WHEN", "WHO", "FROM", "WHAT", "TO WHAT", "DETAILS"]
        print_table(columns, [_cells(one) for one in found])
    else:
        console().print("nothing was written down yet")


def _cells(one: AuditEntry) -> Sequence[str]:
    came = f"{one.via.value} {one.address}".rstrip()
    detail = one.detail.partition("\n")[0] + (" … (all of it: --json)" if "\n" in one.detail else "")
    return [local(one.at), one.actor or "unknown", came, one.action.value, one.target, detail]


def _say_check(found: AuditCheck, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found.broken is None:
        console().print(f"{found.entries} entries fit together")
    if found.broken is not None:
        raise JackfieldError(
            f"entry {found.broken} does not fit the one before it: somebody has changed the log past Jackfield"
        )


async def _entries(folder: Path, url: str | None, query: AuditQuery) -> Sequence[AuditEntry]:
    if url is not None:
        async with remote_desk(url) as far:
            return await far.audit(query)
    async with open_journal(Project.load(folder, os.environ)) as journal:
        return await journal.audit(query)


async def _checked(folder: Path, url: str | None) -> AuditCheck:
    if url is not None:
        async with remote_desk(url) as far:
            return await far.check_audit()
    async with open_journal(Project.load(folder, os.environ)) as journal:
        return await journal.check_audit()
