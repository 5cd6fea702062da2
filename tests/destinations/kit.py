"""What tests of the example destinations share: a server that imitates one, and a host that runs the example."""

from __future__ import annotations

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jackfield.components.plugins.registry import Registry
from jackfield.host.host import Host, running
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import Query, RunView
from tests.docs.markdown import ROOT
from tests.servers import listening
from tests.support import make_project, until

EXAMPLES = ROOT / "examples" / "destinations"
SETTINGS = '[server]\nport = 0\n[http]\nallow = ["127.0.0.1"]\n'


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as a strict server would."""
        assert self.headers["content-type"].split(";")[0] == "application/json"
        return json.loads(self.body.decode("utf-8", "strict"))

    def form(self) -> list[tuple[str, str]]:
        assert self.headers["content-type"] == "application/x-www-form-urlencoded"
        return parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, value: object, kind: str = "application/json") -> Reply:
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": kind})

    def octets(self) -> bytes:
        length = {} if self.status == 204 else {"Content-Length": str(len(self.body))}
        lines = [f"{name}: {value}" for name, value in {**self.headers, **length}.items()]
        return "\r\n".join([f"HTTP/1.1 {self.status} X", *lines, "", ""]).encode() + self.body


class Imitation(ABC):
    """Answers as a service does: first with `troubles`, one after the other, then as `answer` says."""

    origins: tuple[str, ...]
    secrets: Mapping[str, str]

    def __init__(self, *troubles: Reply) -> None:
        self.troubles = list(troubles)
        self.received: list[Received] = []
        self.url = ""
        self.elsewhere = ""

    @abstractmethod
    def answer(self, received: Received) -> Reply:
        """Answer as the service does when it is well, strictly."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve at `url`, and at `elsewhere`, which is another origin."""
        async with listening(self._converse) as one, listening(self._converse) as other:
            self.url, self.elsewhere = (f"http://127.0.0.1:{port}" for port in (one, other))
            yield

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            received = await _read(reader)
            self.received.append(received)
            reply = self.troubles.pop(0) if self.troubles else self.answer(received)
            writer.write(reply.octets())
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Received:
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "strict").split("\r\n")[:-2]
    method, target, _ = start.split(" ")
    path, _, query = target.partition("?")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert len(headers) == len(lines)
    return Received(method, path, query, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def pass_event(folder: Path, example: str, imitation: Imitation, **values: str) -> RunView:
    """Send GetCourse's sample event through an example, whose hosts are replaced by the imitation.

    Return the run once it is settled or waits for its next attempt. No secret may be in what the journal has of it.
    """
    return asyncio.run(_passed(folder, example, imitation, values))


async def _passed(folder: Path, example: str, imitation: Imitation, values: Mapping[str, str]) -> RunView:
    async with imitation.serving():
        text = (EXAMPLES / f"{example}.toml").read_text(encoding="utf-8")
        for origin in imitation.origins:
            assert origin in text
            text = text.replace(origin, imitation.url)
        secrets = "".join(f"{name} = {json.dumps(value)}\n" for name, value in imitation.secrets.items())
        project = make_project(folder, {example: text}, SETTINGS, secrets)
        async with running(project, os.environ, registry=Registry.load(), now=lambda: datetime.now(UTC)) as host:
            view = await until(host, await _give(host, example, values), {*SETTLED, State.WAITING})
    for value in imitation.secrets.values():
        assert value not in repr(view)
    return view


async def _give(host: Host, example: str, values: Mapping[str, str]) -> str:
    pipeline = host.pipelines.get(example)
    assert pipeline is not None
    assert pipeline.problems == ()
    assert pipeline.source is not None
    source = pipeline.source.source
    shown = {field.name: field.example for field in source.fields} | dict(values)
    await host.intake.receive(pipeline, host.modes.get(example).mode, source.sample(shown))
    return (await host.journal.search(Query(pipeline=example, limit=1))).runs[0].id


def result(view: RunView) -> Any:
    """Return what the last step of a run returned."""
    assert view.summary.state is State.SUCCEEDED, view.summary.error
    return view.attempts[-1].result


def wait(view: RunView) -> float:
    """Return how many seconds a run waits for its next attempt."""
    assert view.summary.state is State.WAITING, view.summary.error
    assert view.summary.due_at is not None
    return (view.summary.due_at - datetime.now(UTC)).total_seconds()


def failure(view: RunView) -> str:
    """Return why a run failed."""
    assert view.summary.state is State.FAILED
    return view.summary.error or ""
