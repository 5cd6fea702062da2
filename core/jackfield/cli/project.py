"""Commands about the project folder: init, check, address, plugins, schema, doctor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from jackfield.cli.desk import UrlOption, open_desk
from jackfield.cli.doctor import examine
from jackfield.cli.output import console, print_json, print_table, words
from jackfield.cli.remote import remote_desk
from jackfield.cli.workspace import HERE, JsonOption, ProjectOption
from jackfield.errors import ConfigurationError, JackfieldError, Problem
from jackfield.loader import PipelineLoader
from jackfield.notifiers import read_notifiers
from jackfield.registry import Plugin, Registry
from jackfield.schema import option_rows, pipeline_schema
from jackfield.secrets import SECRETS_FILE
from jackfield.sender import Address
from jackfield.settings import SETTINGS_FILE, Project
from jackfield.tomlfile import did_you_mean
from jackfield.web.api.system import PluginReport, plugin_report

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
    app.command()(plugins)
    app.command()(schema)
    app.command()(doctor)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]) -> None:
    """Make a commented project to edit."""
    if folder.exists() and any(folder.iterdir()):
        raise JackfieldError(f"{folder} is not empty; name a folder that does not exist yet")
    skeleton = resources.files("jackfield") / "skeleton"
    for source, target in _SKELETON.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600 if target == SECRETS_FILE else 0o644)
        path.write_text((skeleton / source).read_text(encoding="utf-8"), encoding="utf-8")
    console().print(f"Made {folder}. Next: put your BIZON_TOKEN into {folder / SECRETS_FILE}, then")
    for command in ("check", "address new-student", "serve"):
        console().print(f"  jackfield {command} --project {folder}")


def check(project: ProjectOption = HERE, *, as_json: JsonOption = False) -> None:
    """Name every mistake in the project, by file, line and key. Exits with 1 if there is one."""
    problems, warnings, pipelines = _examined(project)
    if as_json:
        print_json({"problems": problems, "warnings": warnings})
    else:
        for problem in (*problems, *warnings):
            console().print(str(problem))
        if not problems:
            console().print(f"{pipelines} pipeline{'' if pipelines == 1 else 's'}, no mistakes")
    if problems:
        raise typer.Exit(1)


def _examined(folder: Path) -> tuple[list[Problem], list[Problem], int]:
    """Look everything over, going on after the first mistake: pipelines are read even if the settings are broken."""
    project, problems = Project.read(folder, os.environ)
    loader = PipelineLoader(Registry.load(), project.secrets)
    problems += read_notifiers(project, loader)[1]
    files: Mapping[str, Path] = {}
    try:
        files = project.pipeline_files()
    except ConfigurationError as error:
        if (folder / SETTINGS_FILE).exists():  # else this is no project, which is said already
            problems += error.problems
    for id, path in files.items():
        problems += loader.read(id, path).problems
    return problems, list(project.secrets.warnings), len(files)


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


def plugins(
    name: Annotated[str | None, typer.Argument(help="Show one plugin, or what `use` names, with its options.")] = None,
    url: UrlOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the installed plugins. Broken ones come with the reason, and make it exit with 1."""
    here = Registry.load().plugins if url is None else ()
    installed = [plugin_report(plugin) for plugin in here] if url is None else asyncio.run(_plugins(url))
    chosen = [plugin for plugin in installed if name is None or name in _names(plugin)]
    if name and not chosen:
        known = did_you_mean(name, {known for plugin in installed for known in _names(plugin)})
        raise JackfieldError(f'no plugin is called "{name}"{known}')
    if as_json:
        print_json(chosen)
    else:
        print_table(["PLUGIN", "VERSION", "OFFERS", "STATE"], [_row(plugin) for plugin in chosen])
        if name is not None:
            modules = {plugin.module for plugin in chosen}
            _show_options([plugin for plugin in here if plugin.module in modules])
    if any(plugin.error for plugin in chosen):
        raise typer.Exit(1)


async def _plugins(url: str) -> Sequence[PluginReport]:
    async with remote_desk(url) as far:
        return await far.plugins()


def _names(plugin: PluginReport) -> set[str]:
    """Say what a plugin may be called: its distribution, its module, or something that it offers."""
    return {plugin.distribution or plugin.module, plugin.module, *_components(plugin)}


def _components(plugin: PluginReport) -> list[str]:
    return [*plugin.sources, *plugin.actions, *plugin.notifiers]


def _row(plugin: PluginReport) -> list[str]:
    offers = [*_components(plugin), *(f"|{name}" for name in plugin.filters)]
    state = f"broken: {plugin.error}" if plugin.error else "ok"
    return [plugin.distribution or plugin.module, plugin.version, ", ".join(offers) or "-", state]


def _show_options(chosen: Sequence[Plugin]) -> None:
    for plugin in chosen:
        for component in plugin.components:
            console().print(f"\n{component.name}: {words(component.title)}")
            print_table(["OPTION", "TYPE", "DEFAULT", "MEANING"], option_rows(component.Options, words))
        if plugin.traceback:
            console().print(plugin.traceback)


def schema() -> None:
    """Print the JSON Schema of a pipeline's file, for editors. It knows the installed plugins."""
    print_json(pipeline_schema(Registry.load()))


def doctor(project: ProjectOption = HERE, *, as_json: JsonOption = False) -> None:
    """Look at everything that a host needs. Exits with 1 if something is wrong."""
    findings = examine(project)
    if as_json:
        print_json(findings)
    else:
        print_table(["", "WHAT", "FOUND"], [[one.mark, one.what, one.found] for one in findings])
    if any(one.mark == "wrong" for one in findings):
        raise typer.Exit(1)
