"""The installed plugins: what they offer, and what is wrong with those that are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.models import Text
from jackfield.registry import Plugin, Registry
from jackfield.schema import option_rows
from jackfield.users import Role
from jackfield.web.health import host_of
from jackfield.web.pages.access import view
from jackfield.web.pages.rendering import page
from jackfield.web.pages.words import in_language, language_of


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """A source, an action or a notifier; `options` is None where its model cannot be described."""

    kind: str
    name: str
    title: Text
    description: Text
    options: Sequence[Sequence[str]] | None


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One plugin with its components."""

    plugin: Plugin
    components: Sequence[ComponentRow]


def routes() -> list[Route]:
    """Return the routes of this module."""
    described: dict[str, Sequence[PluginRow]] = {}  # plugins are what they are until the host is started anew

    async def show_plugins(request: Request) -> Response:
        """Show every plugin, broken ones first."""
        language = language_of(request)
        if language not in described:
            described[language] = _described(host_of(request).registry, language)
        operator = request.state.visitor.role is Role.OPERATOR
        return page(request, "plugins.html", rows=described[language], operator=operator)

    return [view("/plugins", show_plugins)]


def _described(registry: Registry, language: str) -> Sequence[PluginRow]:
    plugins = sorted(registry.plugins, key=lambda plugin: (plugin.error is None, plugin.distribution or plugin.module))
    return [PluginRow(plugin, _components(plugin, language)) for plugin in plugins]


def _components(plugin: Plugin, language: str) -> Sequence[ComponentRow]:
    kinds = (("source", plugin.sources), ("action", plugin.actions), ("notifier", plugin.notifiers))
    return [
        ComponentRow(
            kind, component.name, component.title, component.description, _options(component.Options, language)
        )
        for kind, components in kinds
        for component in components
    ]


def _options(model: type, language: str) -> Sequence[Sequence[str]] | None:
    try:
        return [*option_rows(model, partial(in_language, language=language))]
    except Exception:  # noqa: BLE001 - it is a plugin's code that says what its options are
        return None
