"""Proxy, certificates and time limits of a step, against a real proxy and real servers."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from jackfield import JsonValue, PermanentFailure, TemporaryFailure
from jackfield.testing import run_action
from jackfield_http_request.action import HttpRequest
from jackfield_http_request.options import HttpRequestOptions
from tests.servers import listening

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nin"


@dataclass
class _Server:
    """Answers what it is told, opens tunnels, and remembers the heads of requests; runs in a thread of its own."""

    answer: bytes = _OK
    tls: ssl.SSLContext | None = None
    heads: list[str] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        async with listening(self.serve, tls=self.tls) as self.port:
            yield

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if head.startswith("CONNECT ") and self.answer == _OK:
                there, back = await asyncio.open_connection("127.0.0.1", int(head.split(" ")[1].rpartition(":")[2]))
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            else:
                writer.write(self.answer)
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with _closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        with suppress(asyncio.IncompleteReadError, OSError):
            yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@contextmanager
def _serving(*servers: _Server) -> Iterator[None]:
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def main() -> None:
        loop.set_exception_handler(lambda *_: None)  # a handshake that fails is what some tests want
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server.started())
            ready.set()
            await done.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


@dataclass(frozen=True)
class _Certificates:
    folder: Path
    authority: trustme.CA

    def server(self, *, asks: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1", "127.0.0.2", "crm.test").configure_cert(context)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Certificates:
    """Certificates in the folder `certs` of the current folder, which stands for the project's."""
    authority, folder = trustme.CA(), tmp_path / "certs"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client = authority.issue_cert("client@jackfield.test")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client-key.pem")
    monkeypatch.chdir(tmp_path)
    return _Certificates(folder, authority)


def _run(**options: Any) -> JsonValue:
    return run_action(HttpRequest, {"method": "GET", **options}, allow=["127.0.0.1"])


def test_a_step_goes_through_its_proxy_with_the_proxys_user_and_password() -> None:
    proxy = _Server()
    with _serving(proxy):
        login = {"url": f"http://127.0.0.1:{proxy.port}", "username": "anna", "password": "s3cret"}
        _run(url="http://crm.test/a?b=c", proxy=login)
        _run(url="http://crm.test/a?b=c", proxy=f"http://127.0.0.1:{proxy.port}")
    assert proxy.heads[0].startswith("GET http://crm.test/a?b=c HTTP/1.1\r\nHost: crm.test\r\n")
    assert "Proxy-Authorization: Basic YW5uYTpzM2NyZXQ=" in proxy.heads[0]
    assert "Proxy-Authorization" not in proxy.heads[1]


def test_a_step_goes_through_a_tunnel_to_a_destination_that_its_own_authority_vouches_for(
    certificates: _Certificates,
) -> None:
    proxy, crm = _Server(), _Server(tls=certificates.server(asks=True))
    with _serving(proxy, crm):
        files = {"ca": "certs/ca.pem", "cert": "certs/client.pem", "key": "certs/client-key.pem"}
        login = {"url": f"http://127.0.0.1:{proxy.port}", "username": "anna", "password": "s3cret"}
        _run(url=f"https://crm.test:{crm.port}/a", proxy=login, tls=files, auth={"bearer": "t0ken"})
    assert proxy.heads[0].startswith(f"CONNECT crm.test:{crm.port} HTTP/1.1\r\n")
    assert "t0ken" not in proxy.heads[0]
    assert "Bearer t0ken" in crm.heads[0]
    assert "Proxy-Authorization" not in crm.heads[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("407 Who Are You", PermanentFailure), ("403 No", PermanentFailure), ("503 Later", TemporaryFailure)],
)
def test_a_proxy_that_refuses_is_named_and_its_status_says_for_how_long(answer: str, kind: type[Exception]) -> None:
    proxy = _Server(answer=f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
    with _serving(proxy), pytest.raises(kind, match=f"the proxy 127.0.0.1 answered {answer[:3]} .*: {answer[4:]}"):
        _run(url="https://crm.test/path-token", proxy=f"http://127.0.0.1:{proxy.port}")


def test_a_proxy_in_the_own_network_has_to_be_allowed() -> None:
    with pytest.raises(
        PermanentFailure, match=r"10\.0\.0\.1 \(for the proxy 10\.0\.0\.1\) is a private address; to al"
    ):
        _run(url="https://crm.test/", proxy="http://10.0.0.1:3128")


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "167772161", "10.0.1"])
def test_a_proxy_is_not_asked_for_an_address_that_is_not_public(host: str) -> None:
    proxy = _Server()
    with _serving(proxy), pytest.raises(PermanentFailure, match=r"is a (private|link-local) address; to allow it"):
        _run(url=f"http://{host}/", proxy=f"http://127.0.0.1:{proxy.port}")
    assert proxy.heads == []


def test_a_redirect_to_a_private_address_is_not_followed_through_a_proxy_either() -> None:
    proxy = _Server(answer=b"HTTP/1.1 302 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    with _serving(proxy), pytest.raises(PermanentFailure, match=r"169\.254\.169\.254 .* is a link-local address"):
        _run(url="http://crm.test/", proxy=f"http://127.0.0.1:{proxy.port}", redirects="all")
    assert len(proxy.heads) == 1


def test_another_origin_is_not_shown_the_client_certificate(certificates: _Certificates) -> None:
    other = _Server(tls=certificates.server(asks=True))
    first = _Server(tls=certificates.server(asks=True))
    with _serving(first, other):
        first.answer = (
            f"HTTP/1.1 307 X\r\nLocation: https://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        )
        files = {"ca": "certs/ca.pem", "cert": "certs/client.pem", "key": "certs/client-key.pem"}
        with pytest.raises(TemporaryFailure):
            _run(url=f"https://127.0.0.1:{first.port}/", tls=files, redirects="all")
    assert len(first.heads) == 1
    assert other.heads == []


@pytest.mark.parametrize("name", ["ca", "cert"])
def test_a_file_that_is_missing_fails_the_step_for_good_and_is_named(certificates: _Certificates, name: str) -> None:
    with pytest.raises(PermanentFailure, match=r"certs/none\.pem.*: No such file or directory"):
        _run(url="https://crm.test/", tls={name: "certs/none.pem"})
    assert certificates.folder.is_dir()


class _Deaf(_Server):
    """Reads the head of a request and no body, until it is closed."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            await writer.wait_closed()


def test_a_body_that_the_destination_does_not_take_is_a_failure_that_passes() -> None:
    server = _Deaf()
    with _serving(server):
        options = {"url": f"http://127.0.0.1:{server.port}/", "method": "POST", "body": "x" * 30_000_000}
        with pytest.raises(TemporaryFailure, match=r"127\.0\.0\.1 did not take the request's body in time"):
            _run(**options, timeouts={"write": "0.2 s"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"proxy": "socks5://127.0.0.1:1080"}, "is not a proxy's address"),
        ({"proxy": "proxy.example.ru:3128"}, "is not a proxy's address"),
        ({"proxy": "http://proxy.example.ru/path"}, "is not a proxy's address"),
        ({"proxy": "http://anna:s3cret@proxy.example.ru"}, "put them into proxy.username and proxy.password"),
        ({"proxy": {"url": "http://proxy", "username": "anna"}}, "username and password go together"),
        ({"proxy": {"url": "http://proxy", "username": "an:na", "password": "x"}}, "has no colon"),
        ({"proxy": {"url": "http://proxy", "username": "anna", "password": "x\r\nX: y"}}, "must be one line"),
        ({"tls": {}}, "ca.*cert"),
        ({"tls": {"ca": " "}}, "is empty"),
        ({"tls": {"ca": "a.pem", "key": "b.pem"}}, "say in cert which"),
        ({"timeouts": {"write": "0 s"}}, "must be longer than nothing"),
    ],
)
def test_options_that_make_no_sense_are_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        HttpRequestOptions.model_validate({"url": "https://crm.test", **options})
