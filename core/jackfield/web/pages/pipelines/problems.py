"""What is wrong: with one pipeline, and with the host as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jackfield.host.host import Host
from jackfield.notices.notifiers import NotifierStatus
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.problems import Problem
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.settings import PIPELINES_FOLDER, SETTINGS_FILE


@dataclass(frozen=True, slots=True)
class PipelineProblems:
    """What keeps a pipeline from running, and what is wrong with a newer file that was not taken in its place."""

    blocked: tuple[Problem, ...]
    newer: tuple[Problem, ...]
    takes_events: bool
    """Whether its source works all the same."""

    def __bool__(self) -> bool:
        return bool(self.blocked or self.newer)


@dataclass(frozen=True, slots=True)
class HostProblems:
    """What concerns all pipelines: the host's own fault, files of the project, notices that do not get through."""

    fault: str | None
    files: tuple[Problem, ...]
    notices: tuple[Problem, ...]
    failing: tuple[NotifierStatus, ...]


def pipeline_problems(host: Host, pipeline: Pipeline) -> PipelineProblems:
    """Say what is wrong with a pipeline; secrets are masked."""
    newer = () if pipeline.blocked else host.problems.get(pipeline_file(pipeline.id), ())
    return PipelineProblems(
        blocked=_masked(pipeline.problems, pipeline.mask),
        newer=_masked(newer, pipeline.mask),
        takes_events=pipeline.source is not None,
    )


def host_problems(host: Host) -> HostProblems:
    """Say what is wrong with the host; secrets are masked."""
    mask = host.pipelines.loader.mask
    files = [
        problem for name in (SETTINGS_FILE, SECRETS_FILE, PIPELINES_FOLDER) for problem in host.problems.get(name, ())
    ]
    notifiers = host.notices.notifiers
    return HostProblems(
        fault=host.fault and mask(host.fault),
        files=_masked(files, mask),
        notices=_masked(notifiers.problems, mask),
        failing=tuple(one for one in notifiers.statuses if one.failing_since),
    )


def _masked(problems: Iterable[Problem], mask: Callable[[str], str]) -> tuple[Problem, ...]:
    return tuple(problem.masked(mask) for problem in problems)
