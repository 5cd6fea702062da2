"""The host itself: how it is, its plugins and its notifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.host import Host
from jackfield.notifiers import NotifierStatus
from jackfield.registry import Plugin
from jackfield.web.api.operation import Operation
from jackfield.web.certificate import PublicCertificate
from jackfield.web.condition import Clock, Condition, condition


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
class NotifiersReport:
    """How each notifier does, and what is wrong with those that cannot be used."""

    notifiers: Sequence[NotifierStatus]
    problems: Sequence[str]


def operations() -> list[Operation]:
    """Return the operations of this module."""
    return [
        Operation("GET", "/health", show_health),
        Operation("GET", "/plugins", list_plugins),
        Operation("GET", "/notifiers", list_notifiers),
    ]


async def show_health(host: Host, certificate: PublicCertificate, clock: Clock) -> Condition:
    """Say how the host is: what needs somebody, and the figures."""
    return await condition(host, certificate.known(host.project.settings.server.public_url), clock)


async def list_plugins(host: Host) -> list[PluginReport]:
    """List the installed plugins."""
    return [plugin_report(plugin) for plugin in host.registry.plugins]


async def list_notifiers(host: Host) -> NotifiersReport:
    """Say how each notifier does, and what is wrong with those that cannot be used."""
    notifiers = host.notices.notifiers
    return NotifiersReport(notifiers.statuses, [str(problem) for problem in notifiers.problems])


def plugin_report(plugin: Plugin) -> PluginReport:
    """Sum up a plugin; the same from the command line and from the API."""
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
