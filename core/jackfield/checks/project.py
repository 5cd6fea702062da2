"""Every mistake in a project folder, looked for in one go: for `jackfield check`, on the spot and over the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from jackfield.checks.lint import Seen, lint, seen_in
from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError, JournalError
from jackfield.host.host import Host
from jackfield.http.address_guard import AddressGuard
from jackfield.journal.protocol import Journal
from jackfield.notices.notifiers import read_notifiers
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import Draft
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import Problem
from jackfield.project.key_literals import key_warnings
from jackfield.project.settings import SETTINGS_FILE, Project
from jackfield.project.toml_file import TomlFile

_MOST_SEEN: Final = 200
"""Of so many pipelines the last runs are looked at: each takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is wrong in a project folder, what could be better, and how many pipelines it has. Secrets are masked."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    pipelines: int


def inspect_project(
    folder: Path, environ: Mapping[str, str], registry: Registry, seen: Mapping[str, Seen] = MappingProxyType({})
) -> Inspection:
    """Look everything over, going on after the first mistake: pipelines are read even if the settings are broken.

    `seen` is what the last runs had, by pipeline.
    """
    project, problems = Project.read(folder, environ)
    loader = PipelineLoader(registry, project.secrets, project.folder)
    problems += read_notifiers(project, loader)[1]
    files: Mapping[str, Path] = {}
    try:
        files = project.pipeline_files()
    except ConfigurationError as error:
        if (folder / SETTINGS_FILE).exists():  # else this is no project, which is said already
            problems += error.problems
    problems = [problem.masked(loader.mask) for problem in problems]
    warnings = [*project.secrets.warnings]
    guard = AddressGuard(project.settings.http.allow)
    for id, path in files.items():
        pipeline = loader.read(id, path)
        problems += [problem.masked(pipeline.mask) for problem in pipeline.problems]
        found = text_warnings(id, pipeline.text, loader, guard, seen.get(id, Seen()))
        warnings += [warning.masked(pipeline.mask) for warning in found]
    return Inspection(problems, warnings, len(files))


async def seen_by_pipeline(journal: Journal, pipelines: Iterable[str]) -> Mapping[str, Seen]:
    """Look at the last runs of pipelines, as far as the journal can be read."""
    found: dict[str, Seen] = {}
    with suppress(JournalError):
        for id in islice(pipelines, _MOST_SEEN):
            found[id] = await seen_in(journal, id)
    return found


@dataclass(frozen=True, slots=True)
class Warnings:
    """What could be better in one file: literals that look like keys, and what is most likely a slip."""

    keys: Sequence[Problem] = ()
    slips: Sequence[Problem] = ()

    def __iter__(self) -> Iterator[Problem]:
        return iter((*self.keys, *self.slips))


async def warnings_of(host: Host, draft: Draft) -> Warnings:
    """Say what could be better in a draft, going by the pipeline's last runs as well."""
    seen = (await seen_by_pipeline(host.journal, [draft.id])).get(draft.id, Seen())
    guard = AddressGuard(host.project.settings.http.allow)
    return await asyncio.to_thread(text_warnings, draft.id, draft.text, host.pipelines.loader, guard, seen)


def text_warnings(id: str, text: str, loader: PipelineLoader, guard: AddressGuard, seen: Seen) -> Warnings:
    """Say what could be better in the text of a pipeline's file; nothing of one that is no TOML."""
    try:
        file = TomlFile.parse(text, pipeline_file(id))
    except ConfigurationError:
        return Warnings()
    return Warnings(key_warnings(id, file), lint(loader.load(id, file), file, loader, guard, seen))
