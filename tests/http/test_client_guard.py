"""The address guard as the HTTP client meets it: odd spellings, and names that change their address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import structlog

from jackfield.errors import DestinationRefused
from jackfield.http.client import HttpPool
from tests.servers import listening

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nin"


class _Server:
    """Answers at 127.0.0.1 and 127.0.0.2, and counts who came."""

    def __init__(self, port: int, came: list[str]) -> None:
        self.port = port
        self.came = came


@asynccontextmanager
async def _serving() -> AsyncIterator[_Server]:
    came: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)

    async with listening(answer) as port, listening(answer, "127.0.0.2", port):
        yield _Server(port, came)


@asynccontextmanager
async def _pool(*allow: str) -> AsyncIterator[HttpPool]:
    pool = HttpPool(allow=allow)
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Sequence[str]]]:
    """What the name rebind.test is found to be, look-up by look-up; each is taken off the list."""
    answers: list[Sequence[str]] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in ("rebind.test", "rebind.test."):
            return real(host, port, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answers
    assert answers == []


@pytest.mark.parametrize(
    "host",
    [
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1%25lo]",
        "[::1%251]",
        "[::ffff:127.0.0.1%25lo]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::]",
        "0.0.0.0",
        "0",
        "127.0.0.1.",
        "127.0.0.1..",
        "localhost.",
        "LOCALHOST",
        "１２７.０.０.１",
        "127。0。0。1",
        "127｡0｡0｡1",
        "①②⑦.0.0.1",
        "ⓛocalhost",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "%6cocalhost",
        "0x7f.0.0.1",
        "0177.1",
        "017700000001",
    ],
)
def test_no_odd_spelling_of_this_machine_gets_past_the_guard(host: str) -> None:
    async def main() -> None:
        async with _serving() as server, _pool("10.0.0.0/8") as pool:
            with pytest.raises((DestinationRefused, httpx.InvalidURL, httpx.ConnectError)):
                await pool.client.get(f"http://{host}:{server.port}/")
        assert server.came == []

    asyncio.run(main())


@pytest.mark.parametrize("host", ["rebind.test", "rebind.test."])
def test_a_name_is_judged_by_the_address_that_is_connected_to(host: str, names: list[Sequence[str]]) -> None:
    async def main() -> None:
        names.append(["127.0.0.2"])
        async with _serving() as server, _pool("127.0.0.1") as pool:
            with pytest.raises(DestinationRefused, match=r"127\.0\.0\.2 \(for http://rebind\.test\.?\) is a loopback"):
                await pool.client.get(f"http://{host}:{server.port}/")
        assert server.came == []

    asyncio.run(main())


@pytest.mark.parametrize("look_ups", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
def test_a_name_that_changes_between_look_ups_is_asked_for_once_and_judged_anew(
    look_ups: list[str], names: list[Sequence[str]]
) -> None:
    async def main() -> None:
        names.extend([address] for address in look_ups)
        async with _serving() as server:
            for address in look_ups:
                async with _pool("127.0.0.1") as pool:  # another pool remembers no look-up
                    request = pool.client.get(f"http://rebind.test:{server.port}/")
                    if address == "127.0.0.1":
                        assert (await request).text == "in"
                    else:
                        with pytest.raises(DestinationRefused):
                            await request
        assert server.came == ["127.0.0.1"]

    asyncio.run(main())


def _connects(host: str, *allow: str) -> list[str]:
    """Open a connection for what is not HTTP; return who came."""

    async def main() -> list[str]:
        async with _serving() as server, _pool(*allow) as pool:
            connection = await pool.lend(structlog.get_logger()).connect(host, server.port)
            try:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(connection, b"\r\n\r\n")
                assert await loop.sock_recv(connection, 100) == _ANSWER
            finally:
                connection.close()
            return server.came

    return asyncio.run(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "::ffff:127.0.0.1", "rebind.test"])
def test_a_connection_for_what_is_not_http_is_guarded_as_well(host: str, names: list[Sequence[str]]) -> None:
    if host == "rebind.test":
        names.append(["127.0.0.1", "127.0.0.2"])
    with pytest.raises(DestinationRefused, match=r"\(for .*:\d+\) is a loopback address; to allow it, put it into"):
        _connects(host)


def test_a_connection_for_what_is_not_http_goes_to_the_address_that_is_allowed(names: list[Sequence[str]]) -> None:
    assert _connects("127.0.0.1", "127.0.0.1") == ["127.0.0.1"]
    names.append(["127.0.0.1", "127.0.0.2"])
    assert _connects("rebind.test", "127.0.0.2") == ["127.0.0.2"]
    names.append(["127.0.0.1"])
    assert _connects("rebind.test", "rebind.test") == ["127.0.0.1"]


def test_a_name_with_a_public_and_a_private_address_leads_to_the_public_one(names: list[Sequence[str]]) -> None:
    async def main() -> None:
        names.append(["127.0.0.2", "10.0.0.1", "127.0.0.1"])
        async with _serving() as server, _pool("127.0.0.1") as pool:
            assert (await pool.client.get(f"http://rebind.test:{server.port}/")).text == "in"
        assert server.came == ["127.0.0.1"]

    asyncio.run(main())
