"""Pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from jackfield.access.users import Role
from jackfield.components.options import OptionsModel
from jackfield.errors import NotFound, PluginError
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import Mode
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.modes import PipelineStatus, pipeline_status
from jackfield.pipelines.sender import Address, sender_address
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note, mode_words


class ModeBody(OptionsModel):
    """What the pipeline is to do with events, and why."""

    mode: Mode
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PipelineReport(PipelineStatus):
    """A pipeline, what is wrong with its file, and its webhook address, which only operators are told."""

    problems: Sequence[str] = ()
    address: str | None = None


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/pipelines", list_pipelines),
        Endpoint("GET", "/pipelines/{id}", show_pipeline),
        Endpoint("GET", "/pipelines/{id}/address", show_address, secret=True),
        Endpoint("PUT", "/pipelines/{id}/mode", set_mode, action=AuditAction.MODE),
    ]


async def list_pipelines(host: Host, role: Role) -> list[PipelineReport]:
    """List the pipelines with their modes and what is wrong with them."""
    return [_report(host, pipeline, role) for pipeline in host.pipelines]


async def show_pipeline(host: Host, role: Role, id: str) -> PipelineReport:
    """Show one pipeline."""
    return _report(host, known_pipeline(host, id), role)


async def show_address(host: Host, id: str) -> Address:
    """Say where the sender of a pipeline's events sends to, and how it is set up."""
    return sender_address(host.project, host.addresses, known_pipeline(host, id))


async def set_mode(host: Host, role: Role, note: Note, id: str, body: ModeBody) -> PipelineReport:
    """Start, hold or stop a pipeline."""
    pipeline = known_pipeline(host, id)
    await host.modes.set(id, body.mode, body.reason)
    note.detail = mode_words(body.mode, body.reason)
    return _report(host, pipeline, role)


def known_pipeline(host: Host, id: str) -> Pipeline:
    """Find a pipeline. Raises `NotFound` if there is none of this name."""
    pipeline = host.pipelines.get(id)
    if pipeline is None:
        raise NotFound(f"there is no pipeline {id}")
    return pipeline


def _report(host: Host, pipeline: Pipeline, role: Role) -> PipelineReport:
    problems = [pipeline.mask(str(problem)) for problem in host.problems.get(pipeline_file(pipeline.id), ())]
    status = asdict(pipeline_status(pipeline, host.modes.get(pipeline.id)))
    address = _address(host, pipeline) if role is Role.OPERATOR else None
    return PipelineReport(**status, problems=problems, address=address)


def _address(host: Host, pipeline: Pipeline) -> str | None:
    try:
        return host.address(pipeline)
    except PluginError:
        return None
