"""The host listens on a socket that was opened for it, as systemd does it (socket activation)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from jackfield.errors import ConfigurationError
from jackfield.project.settings import Project
from jackfield.web.server.listener import handed_over
from tests.processes import JACKFIELD, ServedHost, clean_environ, make_served_project, send, served, until

NOTHING = '[source]\nuse = "getcourse.user_created"\n[[steps]]\nuse = "filter"\nkeep_when = "{{ true }}"\n'
ACTIVATE = shutil.which("systemd-socket-activate")


@contextmanager
def opened(project: Project) -> Iterator[socket.socket]:
    """Listen where the project says, and accept nobody."""
    with socket.create_server(("127.0.0.1", project.settings.server.port), backlog=128) as listener:
        yield listener


def end(host: ServedHost) -> None:
    host.process.send_signal(signal.SIGTERM)
    assert host.process.wait(20) == 0, host.log()


def test_a_call_that_is_made_while_the_host_is_down_is_answered_once_it_is_up_again(tmp_path: Path) -> None:
    project = make_served_project(tmp_path, {"x": NOTHING})
    with opened(project) as listener, ThreadPoolExecutor() as senders:
        with served(project, listener=listener) as host:
            assert send(project, id="before") == 200
            end(host)
        waiting = [senders.submit(send, project, id=f"meanwhile-{number}") for number in range(5)]
        with served(project, listener=listener) as host:
            assert [sender.result(20) for sender in waiting] == [200] * 5
            assert set(host.until_settled().values()) == {"succeeded"}
            assert len(host.states()) == 6
            assert ("this runs as root" in host.log()) == (os.geteuid() == 0)


def test_a_restart_under_load_refuses_nobody(tmp_path: Path) -> None:
    project = make_served_project(tmp_path, {"x": NOTHING})
    answers: list[int] = []
    stopped = threading.Event()

    def call(sender: int) -> None:
        while not stopped.is_set():
            answers.append(send(project, id=f"{sender}-{len(answers)}"))

    def more() -> None:
        wanted = len(answers) + 50
        until(lambda: len(answers) > wanted, "50 more calls are answered")

    with opened(project) as listener, ThreadPoolExecutor() as senders:
        calls = [senders.submit(call, number) for number in range(4)]
        try:
            with served(project, listener=listener) as host:
                more()
                end(host)
            with served(project, listener=listener) as host:
                more()
                stopped.set()
                for one in calls:
                    one.result(20)
                assert set(answers) == {200}
                assert len(host.until_settled()) == len(answers)
        finally:
            stopped.set()


@pytest.mark.once
@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not installed")
def test_systemd_hands_the_socket_over_and_the_first_call_starts_the_host(tmp_path: Path) -> None:
    project = make_served_project(tmp_path, {"x": NOTHING})
    assert ACTIVATE is not None
    (project.var).mkdir(exist_ok=True)
    address = f"127.0.0.1:{project.settings.server.port}"
    command = [ACTIVATE, "-l", address, str(JACKFIELD), "serve", "--project", str(tmp_path)]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=clean_environ()) as process:
        try:
            until(lambda: b"Listening" in (tmp_path / "log").read_bytes(), "systemd listens")
            until(lambda: send(project, id="1") == 200, "the first call is answered", within=60)
        finally:
            process.kill()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_what_is_meant_for_another_process_is_left_alone(environ: Mapping[str, str]) -> None:
    assert handed_over(environ) is None


def useless(monkeypatch: pytest.MonkeyPatch, descriptor: int, number: int = 1) -> str:
    monkeypatch.setattr("jackfield.web.server.listener._FIRST_HANDED", descriptor)
    with pytest.raises(ConfigurationError) as caught:
        handed_over({"LISTEN_FDS": str(number), "LISTEN_PID": str(os.getpid())})
    return str(caught.value)


def test_a_socket_that_is_of_no_use_is_an_error_that_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    remedy = "let the .socket unit have one ListenStream= with an address and a port"
    with (tmp_path / "file").open("wb") as file:
        assert useless(monkeypatch, file.fileno(), 2) == f"LISTEN_FDS: 2 sockets were handed over; {remedy}"
        assert "what was handed over is no socket" in useless(monkeypatch, file.fileno())
    assert "what was handed over is no socket" in useless(monkeypatch, 1_000_000)
    for idle in (socket.socket(), socket.socket(socket.AF_UNIX)):
        with idle:
            idle.bind(("127.0.0.1", 0) if idle.family == socket.AF_INET else str(tmp_path / "socket"))
            assert "does not listen for TCP connections" in useless(monkeypatch, os.dup(idle.fileno()))
