"""The command about plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from jackfield.cli.client import UrlOption
from jackfield.cli.local import JsonOption
from jackfield.cli.output import console, plain, print_json, print_table, words
from jackfield.cli.remote import remote_desk
from jackfield.components.catalogue import PluginDescription, PluginReport, describe_plugin, plugin_report
from jackfield.components.plugins.registry import Registry
from jackfield.errors import JackfieldError
from jackfield.problems import did_you_mean


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(plugins)


def plugins(
    name: Annotated[str | None, typer.Argument(help="Show one plugin, or what `use` names, with its options.")] = None,
    url: UrlOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the installed plugins. Broken ones come with the reason, and make it exit with 1."""
    found = asyncio.run(_far(url, name)) if url else _here(name)
    if as_json:
        print_json(found)
    else:
        print_table(["PLUGIN", "VERSION", "OFFERS", "STATE"], map(_row, found))
        for plugin in found:
            if isinstance(plugin, PluginDescription):
                _show_options(plugin)
    if any(plugin.error for plugin in found):
        raise typer.Exit(1)


def _here(name: str | None) -> Sequence[PluginReport]:
    """Find the plugins of this name, with their options; all of them, without, if there is no name."""
    installed = {plugin.module: plugin for plugin in Registry.load().plugins}
    listed = [*map(plugin_report, installed.values())]
    return listed if name is None else [describe_plugin(installed[one.module]) for one in _called(name, listed)]


async def _far(url: str, name: str | None) -> Sequence[PluginReport]:
    async with remote_desk(url) as far:
        listed = await far.plugins()
        return listed if name is None else [await far.plugin(one.module) for one in _called(name, listed)]


def _called(name: str, plugins: Sequence[PluginReport]) -> list[PluginReport]:
    chosen = [plugin for plugin in plugins if name in _names(plugin)]
    if not chosen:
        known = did_you_mean(name, {known for plugin in plugins for known in _names(plugin)})
        raise JackfieldError(f'no plugin is called "{name}"{known}')
    return chosen


def _names(plugin: PluginReport) -> set[str]:
    """Say what a plugin may be called: its distribution, its module, or something that it offers."""
    return {plugin.distribution or plugin.module, plugin.module, *_components(plugin)}


def _components(plugin: PluginReport) -> list[str]:
    return [*plugin.sources, *plugin.actions, *plugin.notifiers]


def _row(plugin: PluginReport) -> list[str]:
    offers = [*_components(plugin), *(f"|{name}" for name in plugin.filters)]
    state = f"broken: {plugin.error}" if plugin.error else "ok"
    return [plugin.distribution or plugin.module, plugin.version, ", ".join(offers) or "-", state]


def _show_options(plugin: PluginDescription) -> None:
    out = console()
    for component in plugin.components:
        out.print(f"\n{component.name}: {plain(words(component.title))}")
        if component.options is None:
            out.print("its options cannot be described; ask the author of the plugin")
        else:
            rows = [[one.name, one.type, one.default, words(one.meaning)] for one in component.options]
            print_table(["OPTION", "TYPE", "DEFAULT", "MEANING"], rows)
    if plugin.traceback:
        out.print(plain(plugin.traceback))
