"""Every mistake in a project folder, looked for in one go: for `jackfield check`, on the spot and over the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jackfield.errors import ConfigurationError, Problem
from jackfield.loader import PipelineLoader
from jackfield.notifiers import read_notifiers
from jackfield.registry import Registry
from jackfield.settings import SETTINGS_FILE, Project


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is wrong in a project folder, what could be better, and how many pipelines it has. Secrets are masked."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    pipelines: int


def inspect_project(folder: Path, environ: Mapping[str, str], registry: Registry) -> Inspection:
    """Look everything over, going on after the first mistake: pipelines are read even if the settings are broken."""
    project, problems = Project.read(folder, environ)
    loader = PipelineLoader(registry, project.secrets)
    problems += read_notifiers(project, loader)[1]
    files: Mapping[str, Path] = {}
    try:
        files = project.pipeline_files()
    except ConfigurationError as error:
        if (folder / SETTINGS_FILE).exists():  # else this is no project, which is said already
            problems += error.problems
    problems = [problem.masked(loader.mask) for problem in problems]
    for id, path in files.items():
        pipeline = loader.read(id, path)
        problems += [problem.masked(pipeline.mask) for problem in pipeline.problems]
    return Inspection(problems, project.secrets.warnings, len(files))
