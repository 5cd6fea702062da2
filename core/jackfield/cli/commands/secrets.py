"""The command `secrets`: moves a key that stands in a pipeline's file to `secrets.toml`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from jackfield.access.file_audit import content_hash
from jackfield.cli.audit_notes import note_beside
from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, ProjectOption
from jackfield.cli.output import console
from jackfield.cli.remote import remote_desk
from jackfield.journal.audit import AuditAction
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.secret_move import carry_out, plan_move
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.settings import Project


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    secrets = typer.Typer(help="Keep keys out of pipelines' files.", rich_markup_mode=None, no_args_is_help=True)
    secrets.callback()(_secrets)
    secrets.command("move")(move)
    app.add_typer(secrets, name="secrets")


def _secrets() -> None:
    """Keep keys out of pipelines' files."""


def move(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Where it stands, such as steps[0].headers.X-Token.")],
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="The secret's name.")] = None,
    project: ProjectOption = HERE,
    url: UrlOption = None,
) -> None:
    """Move a key from a pipeline's file to secrets.toml; the file says {{ secret.NAME }} in its place."""
    called = asyncio.run(_far(url, pipeline, key, name)) if url else _here(project, pipeline, key, name)
    console().print(f"{pipeline}: {key} is {{{{ secret.{called} }}}} now; its value is in {SECRETS_FILE}")


def _here(folder: Path, pipeline: str, key: str, name: str | None) -> str:
    planned, project = plan_move(folder, pipeline, key, name), Project.load(folder, os.environ)
    carry_out(folder, planned)
    changed, secrets = content_hash(planned.after.text), content_hash((folder / SECRETS_FILE).read_text("utf-8-sig"))
    said = f"{key} is now secret {planned.name}"
    note_beside(project, AuditAction.SECRET_MOVED, pipeline_file(pipeline), said, content=changed)
    note_beside(project, AuditAction.SECRET_SET, SECRETS_FILE, planned.name, content=secrets)
    return planned.name


async def _far(url: str, pipeline: str, key: str, name: str | None) -> str:
    async with remote_desk(url) as far:
        return await far.move_secret(pipeline, key, name)
