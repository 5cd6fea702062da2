"""`jackfield demo`: the whole way of an event, on this machine, in a minute."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl

import httpx
import typer
import uvloop
from pydantic import JsonValue
from pydantic_core import from_json

from jackfield.cli.commands.serve import log_with, show_first_link
from jackfield.cli.demo.destination import STUDENT, Destination, Received, destination
from jackfield.cli.output import console, plain, show_run
from jackfield.errors import JackfieldError
from jackfield.host.host import Host
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import Query, RunView
from jackfield.masking import secret_mask
from jackfield.pipelines.sender import sample_request
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.settings import Project
from jackfield.web.server.listener import listening
from jackfield.web.server.serving import Served, serving

PIPELINE: Final = "new-student"
BROKEN: Final = "paid-order"
TOKEN: Final = "demo-token-7f3a"  # noqa: S105 - invented, as in the demonstration's secrets.toml
_PATIENCE: Final = 30.0
_FILES: Final = ("jackfield.toml", SECRETS_FILE, f"pipelines/{PIPELINE}.toml", f"pipelines/{BROKEN}.toml")
_EVENT: Final[Mapping[str, JsonValue]] = {
    "id": "345678901",
    "email": "anna.petrova@example.ru",
    "phone": "+7 999 123-45-67",
    "first_name": "Анна",
    "last_name": "Петрова-Ёлкина",
    "city": "",
    "utm_source": "vk",
    "utm_campaign": "осень 2026",
}
_ORDER: Final[Mapping[str, JsonValue]] = {"status": "Завершён", "payed_money": "24 900", "left_cost_money": "0"}
_STUDENT_SENT: Final[Mapping[str, JsonValue]] = {
    "email": "anna.petrova@example.ru",
    "name": "Анна Петрова-Ёлкина",
    "phone": "+7 999 123-45-67",
    "city": "unknown",
    "utm": {"source": "vk", "campaign": "осень 2026"},
}
_STOPPED: Final = 130
"""What a program that was told to stop exits with."""
_COURSE_SENT: Final = [("course", "Основы дизайна"), ("notify", "true"), ("tags", "vk"), ("tags", "новый")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(demo)


def demo(*, once: Annotated[bool, typer.Option("--once", help="Check the result and end.")] = False) -> None:
    """Show a GetCourse call on its whole way, step by step."""
    with tempfile.TemporaryDirectory(prefix="jackfield-demo-") as folder:
        uvloop.run(_demonstrate(Path(folder), once=once))


async def _demonstrate(folder: Path, *, once: bool) -> None:
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # so that it removes the folder, too
    async with destination() as platform:
        _make_project(folder, platform)
        project = Project.load(folder, os.environ)
        log_with(secret_mask(project.secrets.values()), level="critical")  # a run fails on purpose, and is shown
        async with serving(project, os.environ) as served:
            console().print(f"A project in {folder}, served at {served.url}; a destination at {platform.url}\n")
            view = await _call(served, PIPELINE, _EVENT)
            show_run(view)
            _check(view, platform)
            console().print("\nThe run succeeded, and the destination got exactly what the pipeline says.")
            if not once:
                await _show_failure(served)
                await _stay(served, folder)


def _make_project(folder: Path, platform: Destination) -> None:
    with listening("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])
    (folder / "pipelines").mkdir()
    for name in _FILES:
        text = (resources.files("jackfield.cli") / "skeleton" / "demo" / name).read_text(encoding="utf-8")
        (folder / name).write_text(
            text.replace("@PORT@", port).replace("@DESTINATION@", platform.url), encoding="utf-8"
        )
    (folder / SECRETS_FILE).chmod(0o600)


async def _show_failure(served: Served) -> None:
    console().print("\nThe other pipeline has a wrong address in it, on purpose.")
    view = await _call(served, BROKEN, _ORDER)
    console().print(f"Its run failed: {plain(view.summary.error or '')}")
    console().print(f"Put /payments in place of /payment (step record_payment of {BROKEN}), then replay the run.")


async def _call(served: Served, id: str, event: Mapping[str, JsonValue]) -> RunView:
    """Call the webhook as GetCourse does, and wait for what becomes of it."""
    host = served.host
    pipeline = host.pipelines.get(id)
    if pipeline is None or pipeline.blocked:
        raise JackfieldError(f"{pipeline and pipeline.blocked}; `pip install 'jackfield[standard]'` has the plugins")
    request = sample_request(pipeline, dict(event))
    console().print(f"GetCourse calls {request.method} /hooks/{id}/***?{plain(request.query)}")
    path = host.addresses.path(id, pipeline.address_version)
    async with httpx.AsyncClient(trust_env=False) as sender:
        answer = await sender.request(request.method, f"{served.url}{path}?{request.query}", headers=request.headers)
    console().print(f"and is answered {answer.status_code} {answer.text}\n")
    return await _settled(host)


async def _settled(host: Host) -> RunView:
    async with asyncio.timeout(_PATIENCE):
        while True:
            page = await host.journal.search(Query(limit=1))
            view = await host.journal.run(page.runs[0].id) if page.runs else None
            if view is not None and view.summary.state in SETTLED:
                return view
            await asyncio.sleep(0.02)


def _check(view: RunView, platform: Destination) -> None:
    """Raise `JackfieldError` unless everything went as it should."""
    if view.summary.state is not State.SUCCEEDED:
        raise JackfieldError(f"the run ended as {view.summary.state}: {view.summary.error}")
    student, course = platform.received
    wrong = [
        name
        for name, right in {
            "the student": _is_student(student),
            "the course": _is_course(course),
            "the tokens": student.token == course.token == TOKEN,
            "the journal, which shows the token": TOKEN not in repr(view),
        }.items()
        if not right
    ]
    if wrong:
        raise JackfieldError(f"the destination or the journal did not get what it should: {', '.join(wrong)}")


def _is_student(request: Received) -> bool:
    return (request.method, request.path, request.content_type, from_json(request.body)) == (
        "POST",
        "/students",
        "application/json",
        _STUDENT_SENT,
    )


def _is_course(request: Received) -> bool:
    return (request.method, request.path, request.content_type, parse_qsl(request.body.decode())) == (
        "POST",
        f"/students/{STUDENT}/courses",
        "application/x-www-form-urlencoded",
        _COURSE_SENT,
    )


async def _stay(served: Served, folder: Path) -> None:
    out = console()
    out.print("\nIt stays up until Ctrl+C. In another terminal, try:")
    for command in (f"send {PIPELINE} --sample", "runs", "runs show ID", "replay ID", f"address {PIPELINE}"):
        out.print(f"  {program()} {command} --project {folder}")
    out.print()
    show_first_link(served)
    await asyncio.shield(served.ended)
    raise typer.Exit(_STOPPED)  # two servers hear of the signal; which one raises it once more is left to chance


def program() -> str:
    """Say how this program is called in another terminal, which knows neither uv's environment nor an activated one."""
    script = Path(sys.executable).with_name("jackfield")
    borrowed = not os.environ.keys().isdisjoint({"UV_RUN_RECURSION_DEPTH", "VIRTUAL_ENV"})
    if (shutil.which("jackfield") and not borrowed) or not script.exists():
        return "jackfield"
    return shlex.quote(str(script))
