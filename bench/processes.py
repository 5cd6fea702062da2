"""The processes of a round: the destination, and what is measured."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from jackfield.project.server_keys import Addresses

_PATIENCE: Final = 30.0
_PIPELINE_ID: Final = "bench"
_SETTINGS: Final = """
[server]
port = {port}

[http]
allow = ["127.0.0.1"]
"""
_PIPELINE: Final = """
concurrency = {concurrency}

[source]
use = "getcourse.user_created"

[[steps]]
use  = "http_request"
name = "deliver"
url  = "{destination}"

[steps.json]
id    = "{{{{ $.event.id }}}}"
email = "{{{{ $.event.email }}}}"
name  = "{{{{ $.event.first_name }}}} {{{{ $.event.last_name }}}}"
phone = "{{{{ $.event.phone }}}}"
city  = '{{{{ $.event.city | default("unknown") }}}}'
utm   = {{ source = "{{{{ $.event.utm_source }}}}", campaign = "{{{{ $.event.utm_campaign }}}}" }}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that is up: where to send calls to."""

    process: psutil.Process
    port: int
    path: str


Subject: TypeAlias = Callable[[str, int], AbstractContextManager[Server]]
"""Starts what is measured: given the destination's URL, and how many deliveries may go on at once."""


@contextmanager
def destination() -> Iterator[Server]:
    """Run a destination."""
    port = free_port()
    with _running(port, sys.executable, "-m", "bench.destination", str(port)) as process:
        yield Server(process, port, "/deliver")


@contextmanager
def relay(destination: str, _concurrency: int) -> Iterator[Server]:
    """Run the naive relay; as many deliveries go on at once as there are senders."""
    port = free_port()
    with _running(port, sys.executable, "-m", "bench.relay", str(port), destination) as process:
        yield Server(process, port, "/hook")


@contextmanager
def jackfield(destination: str, concurrency: int) -> Iterator[Server]:
    """Run `jackfield serve` on a new project."""
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as name:
        port = project(Path(name), destination, concurrency)
        with served(Path(name), port) as server:
            yield server


def project(folder: Path, destination: str, concurrency: int) -> int:
    """Make a project with one pipeline, and return the port that it is served at."""
    port = free_port()
    (folder / "pipelines").mkdir()
    (folder / "jackfield.toml").write_text(_SETTINGS.format(port=port))
    pipeline = _PIPELINE.format(destination=destination, concurrency=concurrency)
    (folder / "pipelines" / f"{_PIPELINE_ID}.toml").write_text(pipeline)
    return port


@contextmanager
def served(folder: Path, port: int) -> Iterator[Server]:
    """Serve a project."""
    program = Path(sys.executable).with_name("jackfield")
    with _running(port, str(program), "serve", "--project", str(folder)) as process:
        yield Server(process, port, Addresses.load(folder / "var").path(_PIPELINE_ID, 1))


@contextmanager
def _running(port: int, *command: str) -> Iterator[psutil.Process]:
    """Run a server until the block ends. Its errors are shown, its other words are not."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(process, port)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            _let_end(process)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when the server answers, whatever that is."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=_PATIENCE).close()
        except HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{process.args!r} does not answer on port {port}")


def _let_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
