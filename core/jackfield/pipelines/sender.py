"""The sender's side of a pipeline: where it sends to, how it is set up, and what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.components.values import JsonObject, Text, WebhookRequest
from jackfield.errors import JackfieldError, PluginError
from jackfield.pipelines.definition import Pipeline
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import Project


@dataclass(frozen=True, slots=True)
class Address:
    """Where a pipeline's sender sends to, and how it is set up; `local` if it can be reached on this machine only."""

    url: str
    instructions: Sequence[Text]
    local: bool


def sender_address(project: Project, addresses: Addresses, pipeline: Pipeline) -> Address:
    """Say all that the sender's side needs. Raises `PluginError` as `webhook_address()` does."""
    instructions = pipeline.source.source.instructions if pipeline.source else ()
    url = webhook_address(project, addresses, pipeline)
    return Address(url, instructions, local=project.settings.server.public_url is None)


def webhook_address(project: Project, addresses: Addresses, pipeline: Pipeline) -> str:
    """Return the address to paste at the sender of a pipeline's events, parameters included.

    Raises `PluginError` if the source fails to make it.
    """
    url = project.settings.public_url + addresses.path(pipeline.id, pipeline.address_version)
    if pipeline.source is None:
        return url
    try:
        return pipeline.source.source.address(url)
    except Exception as fault:
        raise PluginError(f"source {pipeline.source.source.name} cannot make its address: {fault!r}") from fault


def sample_request(pipeline: Pipeline, values: JsonObject) -> WebhookRequest:
    """Make the request that a pipeline's sender would make; where no value is given, with the fields' examples.

    Raises `JackfieldError` if the pipeline has no source that works, `PluginError` if the source fails to make it.
    """
    if pipeline.source is None:
        raise JackfieldError(f"pipeline {pipeline.id} has no working source: {pipeline.blocked}")
    source = pipeline.source.source
    examples = {field.name: field.example for field in source.fields}
    try:
        return source.sample({**examples, **values})
    except Exception as fault:
        raise PluginError(f"source {source.name} cannot make a sample: {fault!r}") from fault
