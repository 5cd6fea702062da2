"""Looks at everything a host needs, and says what it found."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from jackfield.cli.workspace import open_journal
from jackfield.errors import ConfigurationError, JournalError
from jackfield.loader import PipelineLoader
from jackfield.notifiers import read_notifiers
from jackfield.registry import Registry
from jackfield.settings import ROOM, Project


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    mark: Literal["ok", "note", "wrong"]
    what: str
    found: str


def examine(folder: Path) -> list[Finding]:
    """Look at all of it; nothing is changed, but a journal that is not there yet is made."""
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    findings = [Finding("ok", "versions", versions), *_plugins()]
    try:
        project = Project.load(folder, os.environ)
    except ConfigurationError as error:
        return findings + [Finding("wrong", "settings", str(problem)) for problem in error.problems]
    findings += [Finding("note", "secrets", str(warning)) for warning in project.secrets.warnings]
    return [
        *findings,
        *_pipelines(project),
        *_notifiers(project),
        *_address(project),
        *_disk(project),
        _journal(project),
        _host(project),
    ]


def _plugins() -> Iterator[Finding]:
    for plugin in Registry.load().plugins:
        yield (
            Finding("wrong", "plugin", f"{plugin} {plugin.error}")
            if plugin.error
            else Finding("ok", "plugin", str(plugin))
        )


def _pipelines(project: Project) -> Iterator[Finding]:
    loader = PipelineLoader(Registry.load(), project.secrets)
    try:
        files = project.pipeline_files()
    except ConfigurationError as error:
        yield Finding("wrong", "pipelines", str(error))
        return
    for id, path in files.items():
        pipeline = loader.read(id, path)
        yield Finding("wrong", id, pipeline.blocked) if pipeline.blocked else Finding("ok", id, "can run")


def _notifiers(project: Project) -> Iterator[Finding]:
    definitions, problems = read_notifiers(project, PipelineLoader(Registry.load(), project.secrets))
    yield from (Finding("wrong", "notices", str(problem)) for problem in problems)
    if names := [one.kind.name for one in definitions]:
        yield Finding("ok", "notices", f"{', '.join(names)}; `jackfield notify-test` tries them")
    elif not problems:
        yield Finding(
            "note", "notices", "nobody is told when runs fail: jackfield.toml has no table such as [notices.email]"
        )


def _address(project: Project) -> Iterator[Finding]:
    url = project.settings.server.public_url
    if url is None:
        yield Finding("note", "address", "senders outside cannot call: [server] public_url is not set")
    elif url.startswith("http://"):
        yield Finding("note", "address", f"{url} has no TLS: what senders send can be read on the way")
    else:
        yield Finding("ok", "address", url)


def _disk(project: Project) -> Iterator[Finding]:
    free = shutil.disk_usage(project.folder).free
    keep = project.settings.journal.keep.size
    words = f"{free // 1_000_000} MB free, the journal may take {keep // 1_000_000} MB"
    yield Finding("ok" if free > ROOM else "wrong", "disk", words)


def _journal(project: Project) -> Finding:
    async def size() -> int:
        async with open_journal(project) as journal:
            return await journal.size()

    try:
        return Finding("ok", "journal", f"{project.settings.journal.url}, {asyncio.run(size()) // 1000} KB")
    except JournalError as error:
        return Finding("wrong", "journal", str(error))


def _host(project: Project) -> Finding:
    url = f"{project.settings.local_url}/readyz"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Finding("note", "host", f"none is running at {project.settings.local_url}; `jackfield serve` starts it")
    return Finding("ok" if answer.is_success else "wrong", "host", f"{url} answers: {answer.text.strip()[:100]}")
