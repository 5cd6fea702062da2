"""What tests with real processes share: a served host, a destination that remembers, senders that keep count."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, Self
from urllib.parse import urlencode

from pydantic_core import from_json

from jackfield.components.values import JsonObject
from jackfield.errors import ConfigurationError
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import Project
from jackfield.web.app import TOKEN_FILE
from jackfield.web.server.listener import listening
from tests.support import make_project

JACKFIELD = Path(sys.executable).with_name("jackfield")


class Call(Protocol):
    """Calls a host; returns status and body of the answer, 0 and nothing where none came."""

    def __call__(self, target: str, headers: Mapping[str, str] = ...) -> tuple[int, bytes]: ...


def until(condition: Callable[[], object], what: str, within: float = 20.0) -> None:
    """Wait for a condition; fail with `what` if it does not come."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it reached the destination: of which step, with which `Idempotency-Key`."""

    step: str
    key: str
    body: JsonObject

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def run(self) -> str:
        return str(self.body["run"])


@dataclass(slots=True)
class Destination:
    """Where it is, what it got, and how many seconds it takes to answer."""

    url: str
    delivered: list[Delivery] = field(default_factory=list)
    delay: float = 0.0

    def times(self, step: str) -> Counter[str]:
        """Count how often a step delivered each event."""
        return Counter(delivery.id for delivery in self.delivered.copy() if delivery.step == step)

    def step(self, name: str) -> str:
        """Write a step that delivers here."""
        body = '{ id = "{{ $.event.id }}", run = "{{ $.run.id }}" }'
        return f'[[steps]]\nuse = "http_request"\nname = "{name}"\nurl = "{self.url}/{name}"\njson = {body}\n'


class _DestinationServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    destination: Destination

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: hosts are killed in the middle of a request here."""


class _DestinationHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    server: _DestinationServer

    def do_POST(self) -> None:
        destination = self.server.destination
        body = from_json(self.rfile.read(int(self.headers["content-length"])))
        destination.delivered.append(Delivery(self.path[1:], self.headers.get("idempotency-key", ""), body))
        time.sleep(destination.delay)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def destination() -> Iterator[Destination]:
    """Run a destination on this machine."""
    with _DestinationServer(("127.0.0.1", 0), _DestinationHandler) as server:
        server.destination = Destination(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.destination
        finally:
            server.shutdown()
            thread.join()


def make_served_project(folder: Path, pipelines: Mapping[str, str], grace: str = "5 s", server: str = "") -> Project:
    """Make a project with a port of its own, so that it keeps its address over restarts; `server` is more settings."""
    port = _port_of_its_own()
    settings = f'[server]\nport = {port}\ngrace = "{grace}"\n{server}\n[http]\nallow = ["127.0.0.1"]\n'
    return make_project(folder, pipelines, settings)


def _port_of_its_own() -> int:
    """Find a port that is free, and that the system gives to nobody else while the host is dead."""
    while True:
        port = random.randint(20_000, 32_000)
        with suppress(ConfigurationError), listening("127.0.0.1", port):
            return port


@dataclass(frozen=True, slots=True)
class ServedHost:
    """A `jackfield serve` that runs in a process group of its own."""

    project: Project
    process: subprocess.Popen[bytes]

    def api(self, path: str, **parameters: str) -> Any:
        """Ask the host's API."""
        token = (self.project.var / TOKEN_FILE).read_text(encoding="ascii").strip()
        with calling(self.project) as call:
            status, body = call(f"/api/v1{path}?{urlencode(parameters)}", {"authorization": f"Bearer {token}"})
        assert status == 200, body
        return from_json(body)

    def states(self) -> dict[str, str]:
        """Return the state of every run in the journal, by id."""
        found: dict[str, str] = {}
        page: dict[str, Any] = {"cursor": ""}
        while page["cursor"] is not None:
            cursor = {"cursor": page["cursor"]} if page["cursor"] else {}
            page = self.api("/runs", limit="500", **cursor)
            found |= {run["id"]: run["state"] for run in page["runs"]}
        return found

    def until_settled(self) -> dict[str, str]:
        """Wait until there is nothing left to do; return the state of every run."""
        unsettled = {"queued", "running", "waiting"}
        until(lambda: not unsettled & set(self.states().values()), "all runs are settled")
        return self.states()

    def kill(self) -> None:
        """End it as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ready(self) -> bool:
        """Whether it takes events over."""
        assert self.process.poll() is None, f"the host ended with {self.process.returncode}:\n{self.log()}"
        with calling(self.project) as call:
            return call("/readyz")[0] == 200

    def log(self) -> str:
        """Return what it has written to the terminal."""
        return _log_file(self.project).read_text(encoding="utf-8")


@contextmanager
def served(
    project: Project,
    jackfield: Path = JACKFIELD,
    plugins: Path | None = None,
    listener: socket.socket | None = None,
) -> Iterator[ServedHost]:
    """Serve a project in a process of its own, which is killed at the end if it still runs.

    `plugins` is a folder that `install_plugin()` has put plugins into. `listener` is handed over as systemd does it.
    """
    host = start(project, jackfield, plugins, listener)
    process = host.process
    try:
        until(host.ready, "the host is ready")
        yield host
    finally:
        if process.poll() is None:
            host.kill()


def start(
    project: Project,
    jackfield: Path = JACKFIELD,
    plugins: Path | None = None,
    listener: socket.socket | None = None,
) -> ServedHost:
    """Start a host, and do not wait for it."""
    environ = clean_environ() | ({"PYTHONPATH": str(plugins)} if plugins else {})
    command: list[str | Path] = [jackfield, "serve", "--project", project.folder]
    handed = [] if listener is None else [listener.fileno()]
    if handed:
        command = ["bash", "-c", f'exec 3<&{handed[0]}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "bash", *command]
    with _log_file(project).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=project.folder,
            env=environ,
            start_new_session=True,
            pass_fds=handed,
        )
    return ServedHost(project, process)


def install_plugin(folder: Path, name: str, code: str) -> None:
    """Put a plugin of one module into a folder, where Python finds it as if it were installed."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[jackfield.plugins]\n{name} = {name}\n", encoding="utf-8")


def _log_file(project: Project) -> Path:
    return project.folder / "host.log"


def clean_environ() -> dict[str, str]:
    """Return the environment without what would lead a process to this repository's packages."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


@contextmanager
def calling(project: Project) -> Iterator[Call]:
    """Lend a connection to the project's host."""
    connection = HTTPConnection("127.0.0.1", project.settings.server.port, timeout=20)

    def call(target: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, bytes]:
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            connection.close()
            return 0, b""

    with closing(connection):
        yield call


def send(project: Project, **parameters: str) -> int:
    """Call the webhook of pipeline x as GetCourse does; return the answer's status."""
    with calling(project) as call:
        return call(_target(project, **parameters))[0]


def post(project: Project, path: str, body: bytes, *, agent: str = "test") -> int:
    """Post JSON, or what pretends to be JSON; return the answer's status."""
    with closing(HTTPConnection("127.0.0.1", project.settings.server.port, timeout=20)) as connection:
        connection.request("POST", path, body, {"content-type": "application/json", "user-agent": agent})
        return connection.getresponse().status


def _target(project: Project, **parameters: str) -> str:
    return f"{Addresses.load(project.var).path('x', 1)}?{urlencode(parameters)}"


class Load:
    """Senders that call the webhook of pipeline x, each event once, until they are stopped."""

    def __init__(self, project: Project, senders: int = 8) -> None:
        self._project = project
        self._ids = map(str, itertools.count(1))
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]
        self.answers: list[tuple[str, int]] = []
        """What each event was answered; 0 where no answer came."""

    @property
    def acknowledged(self) -> set[str]:
        """The events that were answered 200."""
        return {id for id, status in self.answers.copy() if status == 200}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send nothing more; return when every call has been answered."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def until_more(self, number: int) -> None:
        """Wait until so many more events have been acknowledged."""
        wanted = len(self.acknowledged) + number
        until(lambda: len(self.acknowledged) >= wanted, f"{number} more events are acknowledged")

    def _send(self) -> None:
        with calling(self._project) as call:
            while not self._stopped.is_set():
                id = next(self._ids)
                status, _ = call(_target(self._project, id=id, first_name="Анна", city=""))
                self.answers.append((id, status))
                if status != 200:
                    self._stopped.wait(0.05)
