"""Commands that run things: serve, send."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Annotated

import httpx
import structlog
import typer
import uvloop
from pydantic_core import from_json

from jackfield.checks.findings import look_at_user
from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, ProjectOption, Workspace
from jackfield.cli.output import console, plain
from jackfield.cli.remote import remote_desk
from jackfield.components.values import JsonObject, WebhookRequest
from jackfield.errors import JackfieldError
from jackfield.logs import configure_logs
from jackfield.masking import secret_mask
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.sender import sample_request
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import Project
from jackfield.web.api.endpoints.trials import SampleTaken
from jackfield.web.server.serving import Served
from jackfield.web.server.serving import serve as serve_project

_Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (serve, send):
        app.command()(command)


def serve(project: ProjectOption = HERE) -> None:
    """Run the host until told to end."""
    opened = Project.load(project, os.environ)
    log_with(secret_mask(opened.secrets.values()))
    for finding in look_at_user(os.geteuid()):
        structlog.get_logger().warning(finding.found)
    uvloop.run(serve_project(opened, os.environ, ready=_announce))


def log_with(mask: Callable[[str], str], level: str = "info") -> None:
    """Log to the terminal for people, to anything else as JSON."""
    configure_logs(level=level, json=not sys.stderr.isatty(), mask=mask)


def _announce(served: Served) -> None:
    log_with(lambda text: served.host.pipelines.loader.mask(text))  # noqa: PLW0108 - secrets change meanwhile
    folder = served.host.project.folder.resolve()
    pipelines = ", ".join(pipeline.id for pipeline in served.host.pipelines) or "no pipelines yet"
    console().print(f"Jackfield serves {folder} at {served.url} ({pipelines}). Ctrl+C ends it in good order.")
    show_first_link(served)


def show_first_link(served: Served) -> None:
    """Print the link at which the first operator is made, if there is nobody yet: to the terminal, not the log."""
    links = served.first_urls()
    if links:
        console().print("Nobody can log in to the pages yet. This link makes the first operator, once:")
        console().print(f"  {links[0]}")
    for link in links[1:]:
        console().print(f"or, on this machine:\n  {link}")


def send(
    pipeline: _Pipeline,
    data: Annotated[str | None, typer.Option(help="The event's values, as a JSON object.")] = None,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    sample: Annotated[bool, typer.Option("--sample", help="Send the source's examples.")] = False,
) -> None:
    """Send an event to the host, as the sender would. Values that you do not give are the source's examples."""
    if sample == (data is not None):
        raise typer.BadParameter("give either --sample or --data")
    if url is not None:
        taken = asyncio.run(_taken_far_away(url, pipeline, _values(data)))
        console().print(f"{taken.status} {plain(taken.text)}".rstrip())
        return
    workspace = Workspace.open(project)
    request = sample_request(workspace.pipeline(pipeline), _values(data))
    answer = _sent(workspace.project, workspace.pipeline(pipeline), request)
    console().print(f"{answer.status_code} {plain(answer.text)}".rstrip())
    if not answer.is_success:
        raise typer.Exit(1)


async def _taken_far_away(url: str, pipeline: str, values: JsonObject) -> SampleTaken:
    async with remote_desk(url) as far:
        return await far.sample(pipeline, values)


def _sent(project: Project, pipeline: Pipeline, request: WebhookRequest) -> httpx.Response:
    path = Addresses.load(project.var).path(pipeline.id, pipeline.address_version)
    url = f"{project.settings.local_url}{path}" + (f"?{request.query}" if request.query else "")
    try:
        return httpx.request(
            request.method, url, headers=request.headers, content=request.body, timeout=30, trust_env=False
        )
    except httpx.TransportError:
        message = f"no host answers at {project.settings.local_url}; start it with `jackfield serve`"
        raise JackfieldError(message) from None


def _values(data: str | None) -> JsonObject:
    try:
        values = from_json(data or "{}")
    except ValueError as error:
        raise typer.BadParameter(f"--data is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise typer.BadParameter('--data is not an object, such as {"email": "anna@example.ru"}')
    return values
