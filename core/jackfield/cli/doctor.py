"""Looks at everything a host needs, and says what it found."""

from __future__ import annotations

import asyncio
import os
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx

from jackfield.checkup import (
    Finding,
    Mark,
    look_at_address,
    look_at_disk,
    look_at_notifiers,
    look_at_plugins,
    look_at_secrets,
)
from jackfield.cli.workspace import open_journal
from jackfield.errors import ConfigurationError, JournalError
from jackfield.loader import PipelineLoader
from jackfield.notifiers import read_notifiers
from jackfield.registry import Registry
from jackfield.settings import Project


def examine(folder: Path) -> list[Finding]:
    """Look at all of it; nothing is changed, but a journal that is not there yet is made."""
    registry = Registry.load()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    findings = [Finding(Mark.OK, "versions", versions), *look_at_plugins(registry.plugins)]
    try:
        project = Project.load(folder, os.environ)
    except ConfigurationError as error:
        return findings + [Finding(Mark.WRONG, "settings", str(problem)) for problem in error.problems]
    loader = PipelineLoader(registry, project.secrets)
    definitions, problems = read_notifiers(project, loader)
    return [
        *findings,
        *look_at_secrets(project),
        *_pipelines(project, loader),
        *look_at_notifiers([one.kind.name for one in definitions], problems),
        *look_at_address(project),
        *look_at_disk(project),
        _journal(project),
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


def _journal(project: Project) -> Finding:
    async def size() -> int:
        async with open_journal(project) as journal:
            return await journal.size()

    try:
        return Finding(Mark.OK, "journal", f"{project.settings.journal.url}, {asyncio.run(size()) // 1000} KB")
    except JournalError as error:
        return Finding(Mark.WRONG, "journal", str(error))


def _host(project: Project) -> Finding:
    url = f"{project.settings.local_url}/readyz"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Finding(
            Mark.NOTE, "host", f"none is running at {project.settings.local_url}; `jackfield serve` starts it"
        )
    return Finding(Mark.OK if answer.is_success else Mark.WRONG, "host", f"{url} answers: {answer.text.strip()[:100]}")
