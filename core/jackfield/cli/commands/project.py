"""Commands about the project folder: init, check, address, schema, doctor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from jackfield.checks.lint import Seen
from jackfield.checks.project import Inspection, inspect_project, seen_by_pipeline
from jackfield.cli.client import UrlOption, open_desk
from jackfield.cli.commands.doctor import examine, examine_far
from jackfield.cli.local import HERE, JsonOption, ProjectOption, open_journal
from jackfield.cli.output import console, print_json, print_table, words
from jackfield.cli.remote import remote_desk
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import JsonObject
from jackfield.errors import ConfigurationError, JackfieldError, JournalError
from jackfield.pipelines.schema import pipeline_schema
from jackfield.pipelines.sender import Address
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.settings import Project

_SKELETON: Final = {
    "jackfield.toml": "jackfield.toml",
    "pipelines/new-student.toml": "pipelines/new-student.toml",
    "secrets.toml": SECRETS_FILE,
    "gitignore": ".gitignore",
}


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(init)
    app.command()(check)
    app.command()(address)
    app.command()(schema)
    app.command()(doctor)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]) -> None:
    """Make a commented project to edit."""
    if folder.exists() and any(folder.iterdir()):
        raise JackfieldError(f"{folder} is not empty; name a folder that does not exist yet")
    skeleton = resources.files("jackfield.cli") / "skeleton"
    for source, target in _SKELETON.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text((skeleton / source).read_text(encoding="utf-8"), encoding="utf-8")
    console().print(f"Made {folder}. Next: put your BIZON_TOKEN into {folder / SECRETS_FILE}, then")
    for command in ("check", "address new-student", "serve"):
        console().print(f"  jackfield {command} --project {folder}")


def check(project: ProjectOption = HERE, url: UrlOption = None, *, as_json: JsonOption = False) -> None:
    """Name every mistake in the project, by file, line and key. Exits with 1 if there is one."""
    found = asyncio.run(_inspected(url)) if url else _inspected_here(project)
    if as_json:
        print_json({"problems": found.problems, "warnings": found.warnings})
    else:
        for problem in (*found.problems, *found.warnings):
            console().print(str(problem))
        if not found.problems:
            console().print(f"{found.pipelines} pipeline{'' if found.pipelines == 1 else 's'}, no mistakes")
    if found.problems:
        raise typer.Exit(1)


def _inspected_here(folder: Path) -> Inspection:
    project, _ = Project.read(folder, os.environ)
    seen = asyncio.run(_seen(project)) if project.journal_file.exists() else {}
    return inspect_project(folder, os.environ, Registry.load(), seen)


async def _seen(project: Project) -> Mapping[str, Seen]:
    """Look at the last runs, beside the host that may be working; check goes on where there is no journal."""
    with suppress(JournalError, ConfigurationError):
        async with open_journal(project) as journal:
            return await seen_by_pipeline(journal, project.pipeline_files())
    return {}


async def _inspected(url: str) -> Inspection:
    async with remote_desk(url) as far:
        return await far.inspection()


def address(
    pipeline: Annotated[str, typer.Argument()],
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print a pipeline's webhook address, and how to set up its sender."""
    found = asyncio.run(_address(project, url, pipeline))
    steps = [words(step) for step in found.instructions]
    if as_json:
        print_json({"address": found.url, "instructions": steps})
        return
    out = console()
    out.print(found.url)
    out.print()
    for number, step in enumerate(steps, 1):
        out.print(f"{number}. {step}")
    if found.local:
        out.print("\nThis address works on this machine only: set [server] public_url in jackfield.toml.")


async def _address(folder: Path, url: str | None, pipeline: str) -> Address:
    async with open_desk(folder, url) as desk:
        return await desk.address(pipeline)


def schema(url: UrlOption = None) -> None:
    """Print the JSON Schema of a pipeline's file, for editors. It knows the installed plugins."""
    print_json(asyncio.run(_schema(url)) if url else pipeline_schema(Registry.load()))


async def _schema(url: str) -> JsonObject:
    async with remote_desk(url) as far:
        return await far.schema()


def doctor(
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    integrity: Annotated[
        bool, typer.Option("--integrity", help="Read all of the journal; it takes minutes for gigabytes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at everything that a host needs. Exits with 1 if something is wrong."""
    if url and integrity:
        raise typer.BadParameter("--integrity reads the journal's file: run it on the machine where that is")
    findings = asyncio.run(examine_far(url)) if url else examine(project, whole=integrity)
    if as_json:
        print_json(findings)
    else:
        print_table(["", "WHAT", "FOUND"], [[one.mark, one.what, one.found] for one in findings])
    if any(one.mark == "wrong" for one in findings):
        raise typer.Exit(1)
