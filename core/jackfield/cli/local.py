"""What commands open first: the project folder, its pipelines, its journal."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from jackfield.clock import utc_now
from jackfield.components.plugins.registry import Registry
from jackfield.components.units import parse_duration
from jackfield.errors import ConfigurationError
from jackfield.journal.sqlite import SqliteJournal
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import Problem, did_you_mean
from jackfield.project.settings import Project

ProjectOption: TypeAlias = Annotated[Path, typer.Option("--project", help="The project folder.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
HERE = Path()


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project with what is needed to read its pipelines."""

    project: Project
    loader: PipelineLoader

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """Open a project folder. Raises `ConfigurationError` if its settings or secrets cannot be used."""
        project = Project.load(folder, os.environ)
        return cls(project, PipelineLoader(Registry.load(), project.secrets, project.folder))

    def find(self, id: str) -> Pipeline | None:
        """Read one pipeline; None if there is no such file."""
        path = self.project.pipeline_files().get(id)
        return self.loader.read(id, path) if path else None

    def pipeline(self, id: str) -> Pipeline:
        """Read one pipeline. Raises `ConfigurationError` if there is no such file."""
        pipeline = self.find(id)
        if pipeline is None:
            message = f"there is no such pipeline{did_you_mean(id, self.project.pipeline_files())}"
            raise ConfigurationError([Problem(pipeline_file(id), 0, "", message)])
        return pipeline


def moment(text: str | None) -> datetime | None:
    """Read a time in the past: as it is, or how long ago. Raises `typer.BadParameter`."""
    return _moment(text, -1)


def coming(text: str | None) -> datetime | None:
    """Read a time in the future: as it is, or in how long. Raises `typer.BadParameter`."""
    return _moment(text, 1)


def _moment(text: str | None, sign: int) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        pass
    try:
        return utc_now() + sign * parse_duration(text)
    except (ValueError, OverflowError):
        message = f'{text!r} is neither a time such as "2026-11-24 10:00" nor a duration such as "2 h"'
        raise typer.BadParameter(message) from None


@asynccontextmanager
async def open_journal(project: Project) -> AsyncIterator[SqliteJournal]:
    """Open the project's journal beside the host that may be working on it."""
    project.journal_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = SqliteJournal(project.journal_file, now=utc_now)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()
