"""The address guard as the action meets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from jackfield import PermanentFailure, TemporaryFailure
from jackfield.testing import run_action
from jackfield_http_request.action import HttpRequest

_ALLOWED = "127.0.0.3"


@contextmanager
def _serving(target: str) -> Iterator[tuple[int, list[str]]]:
    """Answer at every address of this machine: send /start to the target, and tell which hosts were asked for."""
    hosts: list[str] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append(self.headers["host"].rpartition(":")[0])
            self.send_response(307 if self.path == "/start" else 200)
            self.send_header("Location", f"http://{target}:{server.server_port}/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    with HTTPServer(("", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port, hosts
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("target", ["127.0.0.2", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:2]"])
def test_a_redirect_from_an_allowed_place_to_another_private_one_is_refused(target: str) -> None:
    with (
        _serving(target) as (port, hosts),
        pytest.raises(PermanentFailure, match=r"is an? (loopback|unspecified) address; to allow it"),
    ):
        run_action(HttpRequest, {"url": f"http://{_ALLOWED}:{port}/start", "redirects": "all"}, allow=[_ALLOWED])
    assert hosts == [_ALLOWED]


def test_a_redirect_within_what_is_allowed_is_followed() -> None:
    with _serving("[::ffff:127.0.0.3]") as (port, hosts):
        run_action(HttpRequest, {"url": f"http://{_ALLOWED}:{port}/start", "redirects": "all"}, allow=[_ALLOWED])
    assert hosts == [_ALLOWED, "[::ffff:127.0.0.3]"]


@pytest.mark.parametrize(
    "host",
    [
        "[::]",
        "0.0.0.0",
        "[fe80::1%25eth0]",
        "[::1%25lo]",
        "127.0.0.1.",
        "localhost.",
        "１２７.０.０.１",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:7f00:1]",
    ],
)
def test_no_spelling_of_this_machine_reaches_it(host: str) -> None:
    with (
        _serving("127.0.0.1") as (port, hosts),
        pytest.raises((PermanentFailure, TemporaryFailure, ValidationError)),
    ):
        run_action(HttpRequest, {"url": f"http://{host}:{port}/"}, allow=["10.0.0.0/8"])
    assert hosts == []
