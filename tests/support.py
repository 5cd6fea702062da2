"""What tests of the host share: a plugin with sources and actions of every temper, and a project to use it in."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from jackfield import (
    Action,
    Event,
    Malformed,
    OptionsModel,
    PermanentFailure,
    Skip,
    Step,
    TemporaryFailure,
    Unauthorized,
    WebhookRequest,
    WebhookSource,
    hookimpl,
)
from jackfield.components.plugins.registry import Registry
from jackfield.host.host import Host, running
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import Query, RunView
from jackfield.project.settings import Project
from jackfield.web.server.serving import Served, serving


class CallOptions(OptionsModel):
    key: str | None = None


class Call(WebhookSource[CallOptions]):
    """One event, or a list of them, as JSON."""

    name = "call"
    title = "Call"
    Options = CallOptions
    methods = frozenset({"POST", "PUT"})

    def verify(self, request: WebhookRequest) -> None:
        if self.options.key is not None and request.header("x-key") != self.options.key:
            raise Unauthorized("the key is wrong")

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        try:
            value = from_json(request.body)
        except ValueError as error:
            raise Malformed(f"not JSON: {error}") from None
        for data in value if isinstance(value, list) else [value]:
            yield Event(data)

    def confidential(self) -> frozenset[str]:
        return frozenset({"x-key"})


class Gullible(Call):
    """Fails in ways that a source must not."""

    name = "gullible"

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        if request.body == b"crash":
            raise ZeroDivisionError
        if request.body == b"deep":
            value: Any = 1
            for _ in range(300):
                value = {"a": value}
            return [Event(value)]
        return [Event({"when": datetime.now(UTC)})]  # type: ignore[dict-item]


class Panic(BaseException):
    """What an extension written in another language may raise."""


class ActOptions(OptionsModel):
    do: str
    text: str = ""


class Act(Action[ActOptions]):
    """Does what it is told, however bad an idea that is. `calls` has what it was called with."""

    name = "act"
    title = "Act"
    Options = ActOptions
    calls: list[tuple[str, Step]]
    gate: asyncio.Event

    async def run(self, options: ActOptions, step: Step) -> JsonValue:
        self.calls.append((options.text, step))
        behaviour: Callable[[str], Any] = getattr(self, f"_{options.do}")
        result = behaviour(options.text)
        value: JsonValue = await result if asyncio.iscoroutine(result) else result
        return value

    def _say(self, text: str) -> JsonValue:
        return {"said": text}

    def _answer(self, text: str) -> JsonValue:
        return {"headers": {"Set-Cookie": text, "x": "y"}}

    async def _wait(self, text: str) -> JsonValue:
        await self.gate.wait()
        return text

    def _fail_once(self, text: str) -> JsonValue:
        if len(self.calls) == 1:
            raise TemporaryFailure("not now")
        return text

    def _fail_for_now(self, text: str) -> JsonValue:
        raise TemporaryFailure("not now", retry_after=timedelta(minutes=float(text or 0)))

    def _give_up(self, text: str) -> JsonValue:
        raise PermanentFailure(f"never: {text}")

    def _skip(self, text: str) -> JsonValue:
        raise Skip(f"not wanted: {text}")

    def _crash(self, text: str) -> JsonValue:
        raise LookupError(text)

    def _half_a_character(self, text: str) -> JsonValue:
        return "\ud800"

    def _no_number(self, text: str) -> JsonValue:
        return {"n": float("nan")}

    def _log(self, text: str) -> JsonValue:
        self.context.log.info("from the action", said=text)
        return None

    def _panic(self, text: str) -> JsonValue:
        raise Panic

    def _exit(self, text: str) -> JsonValue:
        raise SystemExit(3)

    def _cancel(self, text: str) -> JsonValue:
        raise asyncio.CancelledError

    def _block(self, text: str) -> JsonValue:
        time.sleep(60)
        return None

    async def _hang(self, text: str) -> JsonValue:
        await asyncio.Event().wait()
        return None

    async def _hang_stubbornly(self, text: str) -> JsonValue:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    def _nonsense(self, text: str) -> JsonValue:
        return {1, 2}  # type: ignore[return-value]


class Plugin:
    """The plugin; each has an action class of its own, so that tests do not see each other's calls."""

    def __init__(self) -> None:
        class OwnAct(Act):
            calls: list[tuple[str, Step]] = []
            gate = asyncio.Event()

        self.act = OwnAct
        self.more: list[type[Action[Any]]] = []

    @property
    def calls(self) -> list[tuple[str, Step]]:
        return self.act.calls

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        return [Call, Gullible]

    @hookimpl
    def register_actions(self) -> list[type[Action[Any]]]:
        return [self.act, *self.more]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


def make_project(folder: Path, pipelines: Mapping[str, str], settings: str = "", secrets: str = "") -> Project:
    (folder / "pipelines").mkdir(exist_ok=True)
    (folder / "jackfield.toml").write_text(settings or "[server]\nport = 0\n", encoding="utf-8")
    if secrets:
        (folder / "secrets.toml").touch(mode=0o600)
        (folder / "secrets.toml").write_text(secrets, encoding="utf-8")
    for id, text in pipelines.items():
        (folder / "pipelines" / f"{id}.toml").write_text(text, encoding="utf-8")
    return Project.load(folder, {})


@asynccontextmanager
async def run_host(
    folder: Path,
    plugin: Plugin,
    pipelines: Mapping[str, str],
    clock: Callable[[], datetime] | None = None,
    secrets: str = "",
) -> AsyncIterator[Host]:
    project = make_project(folder, pipelines, secrets=secrets)
    now = clock or (lambda: datetime.now(UTC))
    async with running(project, os.environ, registry=Registry.of(plugin), now=now) as host:
        yield host


@asynccontextmanager
async def serve(
    folder: Path, pipelines: Mapping[str, str], plugin: Plugin | None = None, settings: str = "", secrets: str = ""
) -> AsyncIterator[Served]:
    """Serve a project on a real socket; `Served.url` is where."""
    project = make_project(folder, pipelines, settings, secrets)
    async with serving(project, os.environ, registry=Registry.of(plugin or Plugin())) as served:
        yield served


def hook(served: Served, pipeline: str = "x") -> str:
    return served.url + served.host.addresses.path(pipeline, 1)


async def give(host: Host, data: JsonValue, pipeline: str = "x") -> str:
    """Give an event to a pipeline; return its run."""
    found = host.pipelines.get(pipeline)
    assert found is not None
    request = WebhookRequest(body=to_json(data), received_at=host.intake.now())
    await host.intake.receive(found, host.modes.get(pipeline).mode, request)
    page = await host.journal.search(Query(pipeline=pipeline, limit=1))
    return page.runs[0].id


async def until(host: Host, run: str, states: Iterable[State] = SETTLED, *, after: datetime | None = None) -> RunView:
    """Wait until a run is in one of these states; if it waits, for a time after this one."""
    wanted = frozenset(states)
    async with asyncio.timeout(20):
        while True:
            view = await host.journal.run(run)
            if view is not None and view.summary.state in wanted and _later(view.summary.due_at, after):
                return view
            await asyncio.sleep(0.01)


def steps(*steps: str, head: str = "", source: str = 'use = "call"') -> str:
    """Write a pipeline of `act` steps."""
    return f"{head}\n[source]\n{source}\n" + "".join(f'[[steps]]\nuse = "act"\n{step}\n' for step in steps)


def _later(due_at: datetime | None, after: datetime | None) -> bool:
    return after is None or due_at is None or due_at > after
