"""A pipeline's definition: validated, compiled and versioned. Nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, JsonValue

from jackfield.components.base import Action, WebhookSource
from jackfield.components.options import OptionsModel
from jackfield.components.units import Duration, Rate, parse_duration
from jackfield.components.values import Text
from jackfield.journal.records import Limits
from jackfield.masking import Mask
from jackfield.pipelines.labels import Labeller
from jackfield.pipelines.rendered_options import RenderedOptions
from jackfield.pipelines.retry import RetryPolicy
from jackfield.problems import Problem
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.templates.engine import Template
from jackfield.templates.paths.path import Path

PIPELINE_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_STEP_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def pipeline_file(id: str) -> str:
    """Name the file of a pipeline, as seen from the project folder."""
    return f"{PIPELINES_FOLDER}/{id}.toml"


def step_name(table: Mapping[str, Any]) -> str:
    """Say what a step is called: by its own name, else by what it uses, with `_` for dots."""
    return str(table.get("name") or str(table.get("use", "")).replace(".", "_"))


def _valid_name(name: str) -> str:
    if not _STEP_NAME.fullmatch(name):
        raise ValueError(
            "may have only Latin letters, digits and _, with no digit in front: later steps use it in a path"
        )
    return name


class ReplySettings(OptionsModel):
    """What the sender is answered instead of the source's own reply; strings may hold templates."""

    exclusive = (("text", "json"),)

    status: int = Field(default=200, ge=200, le=599, description="The status.")
    text: str = Field(default="", description="A text as the answer's body.")
    json_: JsonValue = Field(default=None, alias="json", description="JSON as the answer's body, in place of a text.")


class SourceSettings(OptionsModel):
    """The keys of `[source]` that belong to the host."""

    use: str = Field(description="The source, by name.")
    dedupe: str | None = Field(default=None, description="A template: events for which it gives the same are one.")
    dedupe_within: Duration | None = Field(default=None, description="For how long; without it, for ever.")
    reply: ReplySettings | None = Field(default=None, description="What the sender is answered.")
    silent_after: Duration | None = Field(
        default=None, gt=timedelta(0), description="Tell the operator when nothing has come in for so long."
    )
    address_version: int = Field(default=1, ge=1, description="Raise it to get a new webhook address.")


class StepSettings(OptionsModel):
    """The keys of a step that belong to the host."""

    use: str = Field(description="The action, by name.")
    name: Annotated[str, AfterValidator(_valid_name)] = Field(
        default="",
        description="What later steps call it: $.steps.<name>.",
        json_schema_extra={"pattern": f"^{_STEP_NAME.pattern}$"},
    )
    when: str | bool | None = Field(default=None, description="A template: the step is passed over if it gives false.")
    retry: RetryPolicy = Field(default=RetryPolicy(), description="When to try again what failed for now.")
    timeout: Duration = Field(
        default=parse_duration("30 s"), gt=timedelta(0), description="How long one attempt may take."
    )
    on_error: Literal["stop", "continue"] = Field(
        default="stop", description="What a step that failed for good means for the run."
    )
    url_from_event: bool = Field(
        default=False, description="Whether an event may say to which host the step's requests go."
    )


class PipelineSettings(OptionsModel):
    """The keys of the file itself."""

    title: Text = Field(default="", description="What people call the pipeline.")
    label: str | None = Field(
        default=None,
        description='A template such as "{{ $.event.email }}": what its runs are called, so that people know them.',
    )
    concurrency: int = Field(default=10, ge=1, le=1000, description="How many of its runs may go at once.")
    rate: Rate | None = Field(default=None, description='How fast its runs may start, such as "7/s".')
    order_by: str | None = Field(default=None, description="A template: runs for which it gives the same go in order.")
    pause_after: int | None = Field(default=None, ge=1, description="Put on hold after so many failed runs in a row.")
    mask: list[str] = Field(
        default=[], description='Paths such as "$.event.phone": what viewers of the pages and the API do not see.'
    )
    source: dict[str, Any]
    steps: list[dict[str, Any]] = Field(min_length=1)


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
