"""What the installed plugins offer, with what their options mean: for the page, the API and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from jackfield.components.option_schema import OptionRow, option_rows
from jackfield.components.plugins.registry import Plugin
from jackfield.components.values import Text


@dataclass(frozen=True, slots=True)
class PluginReport:
    """An installed plugin: what it offers, and what is wrong with it."""

    module: str
    distribution: str
    version: str
    sources: Sequence[str]
    actions: Sequence[str]
    notifiers: Sequence[str]
    filters: Sequence[str]
    error: str | None


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """A source, an action or a notifier; `options` is None where its model cannot be described."""

    kind: str
    name: str
    title: Text
    description: Text
    options: Sequence[OptionRow] | None


@dataclass(frozen=True, slots=True)
class PluginDescription(PluginReport):
    """A plugin with what its options mean, and where its code failed, which only operators are told."""

    components: Sequence[ComponentReport]
    traceback: str | None


def plugin_report(plugin: Plugin) -> PluginReport:
    """Sum up a plugin."""
    return PluginReport(
        plugin.module,
        plugin.distribution,
        plugin.version,
        [one.name for one in plugin.sources],
        [one.name for one in plugin.actions],
        [one.name for one in plugin.notifiers],
        sorted(plugin.filters),
        plugin.error,
    )


def describe_plugin(plugin: Plugin) -> PluginDescription:
    """Describe a plugin, options and all."""
    report = asdict(plugin_report(plugin))
    return PluginDescription(**report, components=component_reports(plugin), traceback=plugin.traceback)


def component_reports(plugin: Plugin) -> Sequence[ComponentReport]:
    """Describe what a plugin offers to `use` and to `[notices]`."""
    kinds = (("source", plugin.sources), ("action", plugin.actions), ("notifier", plugin.notifiers))
    return [
        ComponentReport(kind, component.name, component.title, component.description, _options(component.Options))
        for kind, components in kinds
        for component in components
    ]


def _options(model: type) -> Sequence[OptionRow] | None:
    try:
        return [*option_rows(model)]
    except Exception:  # noqa: BLE001 - it is a plugin's code that says what its options are
        return None
