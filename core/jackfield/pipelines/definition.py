"""A pipeline's definition: validated, compiled and versioned. Nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jackfield.components.base import Action, WebhookSource
from jackfield.components.host_keys.tables import SourceSettings, StepSettings
from jackfield.components.values import Text
from jackfield.journal.records import Limits
from jackfield.masking import Mask
from jackfield.pipelines.labels import Labeller
from jackfield.pipelines.rendered_options import RenderedOptions
from jackfield.problems import Problem
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.templates.engine import Template
from jackfield.templates.paths.path import Path

PIPELINE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def pipeline_file(id: str) -> str:
    """Name the file of a pipeline, as seen from the project folder."""
    return f"{PIPELINES_FOLDER}/{id}.toml"


def step_name(table: Mapping[str, Any]) -> str:
    """Say what a step is called: by its own name, else by what it uses, with `_` for dots."""
    return str(table.get("name") or str(table.get("use", "")).replace(".", "_"))


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """A pipeline's source, ready to read requests; values of `confidential` headers and parameters are not stored."""

    source: WebhookSource[Any]
    settings: SourceSettings
    dedupe: Template | None
    reply: Template | None
    confidential: frozenset[str]


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """A step, ready to be rendered; the action is made by whoever runs it."""

    index: int
    name: str
    action: type[Action[Any]]
    settings: StepSettings
    when: Template | None
    options: RenderedOptions[Any]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as one version of its file defines it.

    One with `problems` is blocked: it runs nothing, but as long as its `source` could be made it accepts events and
    keeps them. `version` is the same for two files that differ in comments and layout only. The webhook's address is
    derived from `address_version`, which the file says whether or not its source could be made; 1 if it says none.
    """

    id: str
    title: Text
    version: str
    text: str
    source: SourceDefinition | None
    address_version: int
    steps: tuple[StepDefinition, ...]
    limits: Limits
    order_by: Template | None
    pause_after: int | None
    mask: Mask
    problems: tuple[Problem, ...]
    hidden: tuple[Path, ...] | None = None
    """What viewers do not see; None where the file does not say it in a way that can be read: then it is all."""
    labeller: Labeller = field(default_factory=Labeller)

    @property
    def blocked(self) -> str | None:
        """Say why the pipeline cannot run, None if it can."""
        return str(self.problems[0]) if self.problems else None
