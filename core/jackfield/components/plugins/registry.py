"""Finds the installed plugins, asks each on its own what it offers, and looks components up by name.

A plugin that is broken stops nothing: what is wrong with it is remembered, and told to whoever asks for something
that it might have offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any, TypeAlias

import pluggy

from jackfield.components.base import Action, Notifier, WebhookSource
from jackfield.components.host_keys.tables import SOURCE_KEYS, STEP_KEYS
from jackfield.components.plugins import hookspecs
from jackfield.components.plugins.examination import Filter, PluginErrors, usable_components, usable_filters
from jackfield.components.plugins.hookspecs import ENTRY_POINT_GROUP, PROJECT
from jackfield.errors import PluginError
from jackfield.problems import did_you_mean

SourceClass: TypeAlias = type[WebhookSource[Any]]
ActionClass: TypeAlias = type[Action[Any]]
NotifierClass: TypeAlias = type[Notifier[Any]]
_Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin: where it comes from, what it offers, and what is wrong with it.

    `module` is the value of its entry point; `error` is None if all is well. What is wrong takes away only what it
    concerns: everything else that the plugin offers can be used. `traceback` is there where its code raised.
    """

    module: str
    distribution: str = ""
    version: str = ""
    sources: tuple[SourceClass, ...] = ()
    actions: tuple[ActionClass, ...] = ()
    notifiers: tuple[NotifierClass, ...] = ()
    filters: Mapping[str, Filter] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None

    @property
    def components(self) -> tuple[SourceClass | ActionClass | NotifierClass, ...]:
        """Return sources, actions and notifiers alike."""
        return (*self.sources, *self.actions, *self.notifiers)

    def __str__(self) -> str:
        return f"{self.module} ({self.distribution} {self.version})" if self.distribution else self.module


@dataclass(frozen=True, slots=True)
class Registry:
    """All plugins and what they offer, by name.

    A name that two plugins claim is nobody's: it is in `disputed`, by kind and name, with what to say about it.
    """

    plugins: tuple[Plugin, ...]
    sources: Mapping[str, SourceClass]
    actions: Mapping[str, ActionClass]
    notifiers: Mapping[str, NotifierClass]
    filters: Mapping[str, Filter]
    disputed: Mapping[_Key, str]

    @classmethod
    def load(
        cls,
        entry_points: Iterable[metadata.EntryPoint] | None = None,
        *,
        limited: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> Registry:
        """Import every installed plugin, or those of the entry points given. Raises nothing, whatever a plugin does.

        `limited` is called with the name of each plugin's module, and is entered while that is imported and examined.
        """
        found = metadata.entry_points(group=ENTRY_POINT_GROUP) if entry_points is None else entry_points
        by_module: dict[str, metadata.EntryPoint] = {}
        for entry in sorted(found, key=lambda entry: entry.value):
            by_module.setdefault(entry.value, entry)
        return _assembled([_installed(entry, limited) for entry in by_module.values()])

    @classmethod
    def of(cls, *plugins: object) -> Registry:
        """Make a registry of these modules, or objects with hooks; for tests."""
        return _assembled([_given(plugin) for plugin in plugins])

    @property
    def packages(self) -> frozenset[str]:
        """The top-level packages that the plugins are in."""
        return frozenset(plugin.module.partition(".")[0] for plugin in self.plugins)

    def source(self, name: str) -> SourceClass:
        """Return the source of this name. Raises `PluginError` that says what may be meant, or what is broken."""
        if name not in self.sources:
            raise PluginError(self._missing("source", name, self.sources))
        return self.sources[name]

    def action(self, name: str) -> ActionClass:
        """Return the action of this name. Raises `PluginError` that says what may be meant, or what is broken."""
        if name not in self.actions:
            raise PluginError(self._missing("action", name, self.actions))
        return self.actions[name]

    def notifier(self, name: str) -> NotifierClass:
        """Return the notifier of this name. Raises `PluginError` that says what may be meant, or what is broken."""
        if name not in self.notifiers:
            raise PluginError(self._missing("notifier", name, self.notifiers))
        return self.notifiers[name]

    def _missing(self, kind: str, name: str, known: Iterable[str]) -> str:
        if (kind, name) in self.disputed:
            return self.disputed[kind, name]
        broken = [plugin for plugin in self.plugins if plugin.error]
        suspects = [plugin for plugin in broken if _may_offer(plugin, name)]
        reasons = "".join(f"; plugin {plugin} {plugin.error}" for plugin in suspects)
        if broken and not suspects:
            reasons = "; some plugins are broken, see `jackfield plugins`"
        return f'there is no {kind} "{name}"{reasons}{did_you_mean(name, known)}'


def _may_offer(plugin: Plugin, name: str) -> bool:
    origin = f"{plugin.module} {plugin.distribution}".replace("-", "_").lower()
    return name.partition(".")[0].lower() in origin or name in (plugin.error or "")


def _installed(entry: metadata.EntryPoint, limited: Callable[[str], AbstractContextManager[object]]) -> Plugin:
    origin = Plugin(entry.value)
    if entry.dist is not None:
        origin = replace(origin, distribution=entry.dist.name or "", version=entry.dist.version or "")
    with limited(entry.value):
        return _examined(entry.load, origin)


def _given(plugin: object) -> Plugin:
    return _examined(lambda: plugin, Plugin(str(getattr(plugin, "__name__", type(plugin).__name__))))


def _examined(load: Callable[[], object], origin: Plugin) -> Plugin:
    """Load one plugin and ask it for all that it offers."""
    errors = PluginErrors()
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    with errors.noted("cannot be imported"):
        plugin = load()
        with errors.noted("cannot be registered"):
            manager.register(plugin, origin.module)
            manager.check_pending()
            if not manager.get_hookcallers(plugin):
                errors.messages.append("implements none of Jackfield's hooks; is its entry point right?")
    if errors.messages:
        return replace(origin, error=errors.summary, traceback=errors.traceback)
    sources = usable_components(manager.hook.register_sources, WebhookSource, SOURCE_KEYS, errors)
    actions = usable_components(manager.hook.register_actions, Action, STEP_KEYS, errors)
    notifiers = usable_components(manager.hook.register_notifiers, Notifier, frozenset(), errors)
    filters = usable_filters(manager.hook.register_filters, errors)
    return replace(
        origin,
        sources=tuple(sources),
        actions=tuple(actions),
        notifiers=tuple(notifiers),
        filters=filters,
        error=errors.summary,
        traceback=errors.traceback,
    )


def _assembled(plugins: Sequence[Plugin]) -> Registry:
    """Put together what all plugins offer; a name with two owners is taken from both."""
    claims: dict[_Key, dict[int, tuple[Plugin, Any]]] = {}
    for plugin in plugins:
        for key, component in _offers(plugin):
            claims.setdefault(key, {}).setdefault(id(component), (plugin, component))
    disputed = {
        key: _dispute(*key, [plugin for plugin, _ in claim.values()]) for key, claim in claims.items() if len(claim) > 1
    }

    def undisputed(kind: str) -> dict[str, Any]:
        return {
            name: component
            for (claimed, name), claim in claims.items()
            if claimed == kind and len(claim) == 1
            for _, component in claim.values()
        }

    return Registry(
        plugins=tuple(_with_disputes(plugin, disputed) for plugin in plugins),
        sources=undisputed("source"),
        actions=undisputed("action"),
        notifiers=undisputed("notifier"),
        filters=undisputed("filter"),
        disputed=disputed,
    )


def _offers(plugin: Plugin) -> Iterator[tuple[_Key, object]]:
    yield from ((("source", kind.name), kind) for kind in plugin.sources)
    yield from ((("action", kind.name), kind) for kind in plugin.actions)
    yield from ((("notifier", kind.name), kind) for kind in plugin.notifiers)
    yield from ((("filter", name), function) for name, function in plugin.filters.items())


def _dispute(kind: str, name: str, plugins: Sequence[Plugin]) -> str:
    owners = sorted({str(plugin) for plugin in plugins})
    if len(owners) == 1:
        return f'{kind} "{name}" is offered twice by {owners[0]}'
    return f'{kind} "{name}" is offered by {" and by ".join(owners)}; uninstall all but one of them'


def _with_disputes(plugin: Plugin, disputed: Mapping[_Key, str]) -> Plugin:
    lost = dict.fromkeys(disputed[key] for key, _ in _offers(plugin) if key in disputed)
    return replace(plugin, error="; ".join(filter(None, [plugin.error, *lost])) or None)
