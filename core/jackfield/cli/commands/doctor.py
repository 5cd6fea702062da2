"""Looks at everything a host needs, and says what it found."""

from __future__ import annotations

import asyncio
import os
import platform
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

import httpx

from jackfield.checks.certificate import CertificateState
from jackfield.checks.findings import (
    Finding,
    Mark,
    look_at_address,
    look_at_disk,
    look_at_notifiers,
    look_at_plugins,
    look_at_secrets,
    look_at_user,
)
from jackfield.checks.health import HealthReport
from jackfield.checks.health_texts import HealthIssue
from jackfield.cli.local import open_journal
from jackfield.cli.output import local
from jackfield.cli.remote import remote_desk
from jackfield.components.catalogue import PluginReport
from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError, JournalError
from jackfield.journal.views import Backlog
from jackfield.notices.notifiers import read_notifiers
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.settings import Project
from jackfield.web.api.endpoints.pipelines import PipelineReport


def examine(folder: Path, *, whole: bool = False) -> list[Finding]:
    """Look at all of it; nothing is changed, but a journal that is not there yet is made.

    The journal is looked through for damage: quickly, or the `whole` of it.
    """
    registry = Registry.load()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    findings = [Finding(Mark.OK, "versions", versions), *look_at_plugins(registry.plugins)]
    try:
        project = Project.load(folder, os.environ)
    except ConfigurationError as error:
        return findings + [Finding(Mark.WRONG, "settings", str(problem)) for problem in error.problems]
    loader = PipelineLoader(registry, project.secrets, project.folder)
    definitions, problems = read_notifiers(project, loader)
    return [
        *findings,
        *look_at_secrets(project),
        *_pipelines(project, loader),
        *look_at_notifiers([one.kind.name for one in definitions], problems),
        *look_at_address(project),
        *look_at_disk(project),
        *look_at_user(os.geteuid()),
        *_journal(project, whole=whole),
        _host(project),
    ]


def _pipelines(project: Project, loader: PipelineLoader) -> Iterator[Finding]:
    try:
        files = project.pipeline_files()
    except ConfigurationError as error:
        yield Finding(Mark.WRONG, "pipelines", str(error))
        return
    for id, path in files.items():
        pipeline = loader.read(id, path)
        yield Finding(Mark.WRONG, id, pipeline.blocked) if pipeline.blocked else Finding(Mark.OK, id, "can run")


def _journal(project: Project, *, whole: bool) -> Iterator[Finding]:
    async def look() -> tuple[int, list[str]]:
        async with open_journal(project) as journal:
            return await journal.size(), await journal.inspect(whole=whole)

    try:
        size, damage = asyncio.run(look())
    except JournalError as error:
        yield Finding(Mark.WRONG, "journal", str(error))
        return
    if not damage:
        looked = "read whole, no damage" if whole else "no damage at a quick look"
        yield Finding(Mark.OK, "journal", f"{project.settings.journal.url}, {size // 1000} KB, {looked}")
        return
    advice = f"stop the host, then `jackfield journal salvage {project.journal_file}` brings out what can be read"
    yield Finding(Mark.WRONG, "journal", f"{project.settings.journal.url} is damaged; {advice}, or put back a copy")
    yield from (Finding(Mark.WRONG, "journal", " ".join(one.split())) for one in damage)


def _host(project: Project) -> Finding:
    url = f"{project.settings.local_url}/readyz"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Finding(
            Mark.NOTE, "host", f"none is running at {project.settings.local_url}; `jackfield serve` starts it"
        )
    return Finding(Mark.OK if answer.is_success else Mark.WRONG, "host", f"{url} answers: {answer.text.strip()[:100]}")


async def examine_far(url: str) -> list[Finding]:
    """Ask the host at `url` for what it finds. Raises `JackfieldError`."""
    async with remote_desk(url) as far:
        condition, plugins, pipelines = await far.condition(), await far.plugins(), await far.pipelines()
    versions = ", ".join(f"{name} {version}" for name, version in condition.versions.items())
    told = {problem for pipeline in pipelines for problem in pipeline.problems}
    troubles = [one for one in condition.troubles if one.kind != "plugin" and one.detail not in told]
    return [
        Finding(Mark.OK, "versions", versions),
        *map(_plugin, plugins),
        *map(_pipeline, pipelines),
        *map(_trouble, troubles),
        *_figures(condition, {one.kind.partition("-")[0] for one in troubles}),
        Finding(Mark.OK, "host", f"{url} answers"),
    ]


def _plugin(plugin: PluginReport) -> Finding:
    name = f"{plugin.module} ({plugin.distribution} {plugin.version})" if plugin.distribution else plugin.module
    return Finding(Mark.WRONG, "plugin", f"{name} {plugin.error}") if plugin.error else Finding(Mark.OK, "plugin", name)


def _pipeline(pipeline: PipelineReport) -> Finding:
    """Sum up a pipeline; the mistakes of a file count though an earlier version of it still runs."""
    if pipeline.problems:
        return Finding(Mark.WRONG, pipeline.id, "; ".join(pipeline.problems))
    return Finding(Mark.OK, pipeline.id, "can run")


def _trouble(trouble: HealthIssue) -> Finding:
    kind, _, more = trouble.kind.partition("-")
    found = trouble.detail if more == "note" else str(trouble)  # a note says in its detail what is to be done
    return Finding(Mark.WRONG if trouble.urgent else Mark.NOTE, kind, found)


def _figures(condition: HealthReport, troubled: Collection[str]) -> Iterator[Finding]:
    """Tell what is well, as far as nothing of it is in trouble."""
    known = {
        "notices": ", ".join(one.name for one in condition.notifiers),
        "address": condition.public_url,
        "tls": _validity(condition.certificate),
        "disk": f"{condition.free // 1_000_000} MB free, the journal may take {condition.keep // 1_000_000} MB",
        "journal": condition.size is not None and f"{condition.size // 1000} KB",
        "backlog": _backlog(condition.backlog),
    }
    for what, found in known.items():
        if found and what not in troubled:
            yield Finding(Mark.OK, what, found)


def _validity(certificate: CertificateState | None) -> str | None:
    if certificate is None or certificate.valid_until is None:
        return None
    return f"the certificate is valid until {local(certificate.valid_until)}"


def _backlog(backlog: Backlog | None) -> str | None:
    if backlog is None:
        return None
    return (
        ", ".join(f"{number} {state}" for state, number in backlog.states.items() if number) or "no runs are to be done"
    )
