"""Connections that take up room and do nothing with it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from jackfield.components.plugins.registry import Registry
from jackfield.journal.views import Query
from jackfield.web.app import TOKEN_FILE
from jackfield.web.server.connections import Client, ConnectionLimiter, most_connections
from jackfield.web.server.serving import Served, serving
from tests.support import Plugin, hook, make_project, steps
from tests.web.site import visitor

HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


@asynccontextmanager
async def watched(
    folder: Path, *, most: int = 100, patience: float = 0.3, turnstile: ConnectionLimiter | None = None
) -> AsyncIterator[Served]:
    project = make_project(folder, {"x": steps('do = "say"')})
    turnstile = turnstile or ConnectionLimiter(most, patience)
    async with serving(project, {}, registry=Registry.of(Plugin()), turnstile=turnstile) as served:
        async with asyncio.timeout(20):
            yield served


class Told(ConnectionLimiter):
    """Looks at the connections when it is told to, at the time that it is told."""

    async def watch(self, clients: Collection[Client]) -> None:
        self.clients = clients
        await asyncio.Event().wait()

    def awaited(self) -> set[object]:
        return {client.awaited() for client in self.clients}


async def connected(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(served.url).port)


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a byte now and then, for as long as somebody takes them."""
    with suppress(OSError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("sent", [b"", HEAD], ids=["nothing", "a part"])
@pytest.mark.parametrize("first", [True, False], ids=["of the first", "of another"])
def test_a_connection_whose_head_does_not_come_is_closed(tmp_path: Path, sent: bytes, *, first: bool) -> None:
    async def main() -> None:
        async with watched(tmp_path) as served:
            reader, writer = await connected(served)
            if not first:
                writer.write(HEAD + b"\r\n")
                assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 ")
                writer.write(b"\r\n")  # it may come before the next head
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with watched(tmp_path) as served:
            reader, writer = await connected(served)
            dripping = asyncio.create_task(drip(writer, HEAD + b"x: " + b"x" * 10_000))
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            dripping.cancel()
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("drops", [False, True])
def test_a_body_that_stalls_or_comes_drop_by_drop_is_no_event(tmp_path: Path, *, drops: bool) -> None:
    async def main() -> None:
        async with watched(tmp_path) as served:
            reader, writer = await connected(served)
            path = urlsplit(hook(served)).path
            writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n[1,".encode())
            dripping = asyncio.create_task(drip(writer, b" " * 896 if drops else b""))
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            dripping.cancel()
            writer.close()
            assert (await served.host.journal.search(Query())).runs == []

    asyncio.run(main())


def test_what_goes_on_is_left_alone_however_long_it_takes(tmp_path: Path) -> None:
    turnstile = Told(most=100, patience=1.0)

    async def main() -> None:
        async with (
            watched(tmp_path, turnstile=turnstile) as served,
            visitor(served) as operator,
            operator.client.stream("GET", "/live") as stream,
            httpx.AsyncClient(base_url=served.url) as sender,
        ):

            async def pieces() -> AsyncIterator[bytes]:
                for number in range(5):
                    before = turnstile.awaited()
                    yield b" " * 1_000
                    while turnstile.awaited() == before:
                        await asyncio.sleep(0)
                    turnstile.look([*turnstile.clients], number * 0.9)  # in all longer than the host is patient
                yield b"{}"

            assert (await sender.post(hook(served), content=pieces())).status_code == 200
            async for line in stream.aiter_lines():
                if line == "event: changed":
                    break

    asyncio.run(main())


def test_a_client_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with watched(tmp_path, most=1) as served, httpx.AsyncClient(base_url=served.url) as client:
            token = (served.host.project.var / TOKEN_FILE).read_text(encoding="ascii").strip()
            request = f"GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
            with socket.socket() as unread:
                unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
                unread.connect(("127.0.0.1", urlsplit(served.url).port))
                unread.sendall(request.encode() * 200)
                assert await status(client) == 503
                while await status(client) != 200:
                    await asyncio.sleep(0.01)

    asyncio.run(main())


async def status(client: httpx.AsyncClient) -> int:
    """Ask for the host's health on a connection of its own."""
    try:
        return (await client.get("/healthz", headers={"connection": "close"})).status_code
    except httpx.TransportError:  # the answer was lost: it is sent before the request is read
        return 503


def test_too_many_connections_are_turned_away_and_that_is_logged(tmp_path: Path) -> None:
    async def main() -> None:
        async with watched(tmp_path, most=2) as served, httpx.AsyncClient(base_url=served.url) as client:
            held = [await connected(served) for _ in range(2)]
            with capture_logs() as logs:
                for _ in range(2):
                    reader, writer = await connected(served)
                    answer = (await reader.read()).decode()
                    assert answer.startswith("HTTP/1.1 503 ")
                    assert "\r\nretry-after: 30\r\n" in answer
                    writer.close()
                for _, writer in held:
                    writer.close()
                while await status(client) != 200:
                    await asyncio.sleep(0.01)
                while not logs:
                    await asyncio.sleep(0.01)
            assert [(log["log_level"], "too many are open" in log["event"]) for log in logs] == [("warning", True)]

    asyncio.run(main())


def test_a_form_that_breaks_off_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with watched(tmp_path) as served, httpx.AsyncClient(base_url=served.url) as client:
            _, writer = await connected(served)
            writer.write(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nname=")
            await writer.drain()
            assert await status(client) == 200
            writer.close()
            await writer.wait_closed()
            assert await status(client) == 200

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert caplog.records == []


def test_half_of_what_a_process_may_open_is_left_for_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    assert most_connections() == 512
    monkeypatch.setattr("resource.getrlimit", lambda _: (65536, 65536))
    assert most_connections() == 2000
