"""The installed plugins: what they offer, and what is wrong with those that are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.components.catalogue import ComponentReport, component_reports
from jackfield.components.plugins.registry import Plugin, Registry
from jackfield.web.auth.page_access import page_route
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One plugin with its components."""

    plugin: Plugin
    components: Sequence[ComponentReport]


def routes() -> list[Route]:
    """Return the routes of this module."""
    described: list[PluginRow] = []  # plugins are what they are until the host is started anew

    async def show_plugins(request: Request) -> Response:
        """Show every plugin, broken ones first."""
        if not described:
            described.extend(_described(host_of(request).registry))
        operator = request.state.visitor.role is Role.OPERATOR
        return page(request, "plugins.html", rows=described, operator=operator)

    return [page_route("/plugins", show_plugins)]


def _described(registry: Registry) -> Sequence[PluginRow]:
    plugins = sorted(registry.plugins, key=lambda plugin: (plugin.error is None, plugin.distribution or plugin.module))
    return [PluginRow(plugin, component_reports(plugin)) for plugin in plugins]
