"""Every mistake in a project folder, looked for in one go: for `jackfield check`, on the spot and over the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jackfield.errors import ConfigurationError, Problem
from jackfield.key_literals import key_warnings
from jackfield.loader import PipelineLoader
from jackfield.notifiers import read_notifiers
from jackfield.pipeline import pipeline_file
from jackfield.registry import Registry
from jackfield.settings import SETTINGS_FILE, Project
from jackfield.tomlfile import TomlFile


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is wrong in a project folder, what could be better, and how many pipelines it has. Secrets are masked."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    pipelines: int


def inspect_project(folder: Path, environ: Mapping[str, str], registry: Registry) -> Inspection:
    """Look everything over, going on after the first mistake: pipelines are read even if the settings are broken."""
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
    for id, path in files.items():
        pipeline = loader.read(id, path)
        problems += [problem.masked(pipeline.mask) for problem in pipeline.problems]
        warnings += [warning.masked(pipeline.mask) for warning in text_warnings(id, pipeline.text)]
    return Inspection(problems, warnings, len(files))


def text_warnings(id: str, text: str) -> list[Problem]:
    """Say what could be better in the text of a pipeline's file; nothing of one that is no TOML."""
    try:
        return key_warnings(id, TomlFile.parse(text, pipeline_file(id)))
    except ConfigurationError:
        return []
