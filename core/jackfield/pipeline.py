"""A pipeline's definition: validated, compiled and versioned. Nothing here runs anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field, JsonValue

from jackfield.components import Action, OptionsModel, WebhookSource
from jackfield.errors import Problem
from jackfield.journal.records import Limits
from jackfield.models import Text
from jackfield.options import RenderedOptions
from jackfield.retry import RetryPolicy
from jackfield.secrets import Mask
from jackfield.templates import Template
from jackfield.units import Duration, Rate, parse_duration

PIPELINE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_STEP_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"


class ReplySettings(OptionsModel):
    """What the sender is answered instead of the source's own reply; strings may hold templates."""

    status: int = Field(default=200, ge=200, le=599)
    text: str = ""
    json_: JsonValue = Field(default=None, alias="json")


class SourceSettings(OptionsModel):
    """The keys of `[source]` that belong to the host."""

    use: str
    dedupe: str | None = None
    dedupe_within: Duration | None = None
    reply: ReplySettings | None = None
    address_version: int = Field(default=1, ge=1)


class StepSettings(OptionsModel):
    """The keys of a step that belong to the host."""

    use: str
    name: str = Field(default="", pattern=_STEP_NAME)
    when: str | bool | None = None
    retry: RetryPolicy = RetryPolicy()
    timeout: Duration = Field(default=parse_duration("30 s"), gt=timedelta(0))
    on_error: Literal["stop", "continue"] = "stop"


class PipelineSettings(OptionsModel):
    """The keys of the file itself."""

    title: Text = ""
    concurrency: int = Field(default=10, ge=1, le=1000)
    rate: Rate | None = None
    order_by: str | None = None
    pause_after: int | None = Field(default=None, ge=1)
    source: dict[str, Any]
    steps: list[dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """A pipeline's source, ready to read requests."""

    source: WebhookSource[Any]
    settings: SourceSettings
    dedupe: Template | None
    reply: Template | None


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
    keeps them. `version` is the same for two files that differ in comments and layout only.
    """

    id: str
    title: Text
    version: str
    text: str
    source: SourceDefinition | None
    steps: tuple[StepDefinition, ...]
    limits: Limits
    order_by: Template | None
    pause_after: int | None
    mask: Mask
    problems: tuple[Problem, ...]

    @property
    def address_version(self) -> int:
        """Return the number that the webhook's address is derived from."""
        return self.source.settings.address_version if self.source else 1

    @property
    def blocked(self) -> str | None:
        """Say why the pipeline cannot run, None if it can."""
        return str(self.problems[0]) if self.problems else None
