"""The host itself: how it is, its plugins and its notifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool

from jackfield.access.users import Role
from jackfield.checks.certificate import PublicCertificate
from jackfield.checks.health import Clock, HealthReport, health_report
from jackfield.checks.project import Inspection, inspect_project, seen_by_pipeline
from jackfield.components.catalogue import PluginDescription, PluginReport, describe_plugin, plugin_report
from jackfield.components.options import OptionsModel
from jackfield.components.values import JsonObject
from jackfield.errors import NotFound
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.notices.notifiers import NotifierStatus
from jackfield.notices.sample_notice import NotifiersTried, try_notifiers
from jackfield.notices.texts import trial_notice
from jackfield.pipelines.schema import pipeline_schema
from jackfield.web.api.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class NotifiersReport:
    """How each notifier does, and what is wrong with those that cannot be used."""

    notifiers: Sequence[NotifierStatus]
    problems: Sequence[str]


class NoticeBody(OptionsModel):
    """Which notifier is to be tried; all of them, if none is named."""

    notifier: str | None = None


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/health", show_health),
        Endpoint("GET", "/check", check_project),
        Endpoint("GET", "/plugins", list_plugins),
        Endpoint("GET", "/plugins/{module}", show_plugin),
        Endpoint("GET", "/schema", show_schema),
        Endpoint("GET", "/notifiers", list_notifiers),
        Endpoint("POST", "/notices/test", send_test_notice, action=AuditAction.NOTICE_SENT),
    ]


async def show_health(host: Host, certificate: PublicCertificate, clock: Clock) -> HealthReport:
    """Say how the host is: what needs somebody, and the figures."""
    return await health_report(host, certificate.known(host.project.settings.server.public_url), clock)


async def check_project(host: Host) -> Inspection:
    """Name every mistake in the project's files, by file, line and key."""
    seen = await seen_by_pipeline(host.journal, [pipeline.id for pipeline in host.pipelines])
    return await run_in_threadpool(inspect_project, host.project.folder, host.environ, host.registry, seen)


async def list_plugins(host: Host) -> list[PluginReport]:
    """List the installed plugins."""
    return [plugin_report(plugin) for plugin in host.registry.plugins]


async def show_plugin(host: Host, role: Role, module: str) -> PluginDescription:
    """Show one plugin with what its components' options mean."""
    plugin = next((one for one in host.registry.plugins if one.module == module), None)
    if plugin is None:
        raise NotFound(f"there is no plugin {module}")
    described = describe_plugin(plugin)
    return described if role is Role.OPERATOR else replace(described, traceback=None)


async def show_schema(host: Host) -> JsonObject:
    """Show the JSON Schema of a pipeline's file, with the options of the installed plugins."""
    return await run_in_threadpool(pipeline_schema, host.registry)


async def list_notifiers(host: Host) -> NotifiersReport:
    """Say how each notifier does, and what is wrong with those that cannot be used."""
    notifiers = host.notices.notifiers
    return NotifiersReport(notifiers.statuses, [str(problem) for problem in notifiers.problems])


async def send_test_notice(host: Host, body: NoticeBody) -> NotifiersTried:
    """Send a test through every notifier, or one of them, and say what became of it."""
    notifiers, language = host.notices.notifiers, host.project.settings.notices.language
    notice = trial_notice(language, host.intake.now())
    return await try_notifiers(notifiers.definitions, notifiers.unread, body.notifier, notice, host.http)
