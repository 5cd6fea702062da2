"""Routes: proxies, certificates to trust and client certificates, and how long a body may wait to be taken."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

import httpx
import pytest
import trustme
import uvloop

from jackfield import Action, JsonValue, OptionsModel, Route, Step
from jackfield.errors import DestinationRefused
from jackfield.http.client import HttpPool
from jackfield.journal.records import State
from tests.support import Plugin, give, run_host, until

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin"


@dataclass
class _Proxy:
    """A proxy: takes CONNECT and plain requests, and remembers what it was asked."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    refuse_with: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.refuse_with:
                writer.write(f"HTTP/1.1 {self.refuse_with}\r\nContent-Length: 0\r\n\r\n".encode())
            elif head.startswith("CONNECT "):
                await self._tunnel(head.split(" ")[1], reader, writer)
            else:
                writer.write(_ANSWER)
            await writer.drain()
        writer.close()

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def _proxy(
    tls: ssl.SSLContext | None = None, refuse_with: str = "", host: str = "127.0.0.1"
) -> AsyncIterator[_Proxy]:
    proxy = _Proxy(refuse_with=refuse_with)
    async with _listening(proxy.serve, host, tls) as proxy.port:
        yield proxy


@asynccontextmanager
async def _listening(
    handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve at a free port; in the end, wait until every connection has been let go of."""
    conversations: list[asyncio.Task[None]] = []

    def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.create_task(handler(reader, writer)))

    async with await asyncio.start_server(converse, host, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
    async with asyncio.timeout(10):
        await asyncio.gather(*conversations)


@asynccontextmanager
async def _destination(tls: ssl.SSLContext, seen: list[bytes]) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                seen.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(_ANSWER)
        writer.close()

    async with _listening(answer, tls=tls) as port:
        yield port


@asynccontextmanager
async def _pool(*allow: str, folder: Path = Path()) -> AsyncIterator[HttpPool]:
    pool = HttpPool(allow=allow or ("127.0.0.1",), folder=folder)
    try:
        yield pool
    finally:
        await pool.close()


async def _get(pool: HttpPool, url: str, route: Route) -> httpx.Response:
    return await pool.client.get(url, extensions={"route": route})


@dataclass(frozen=True)
class _Certificates:
    folder: Path
    authority: trustme.CA

    def server(self, *, asks: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1", "crm.test", "localhost").configure_cert(context)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> _Certificates:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client = authority.issue_cert("client@jackfield.test")
    client.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    client.cert_chain_pems[0].write_to_path(folder / "client-cert.pem")
    client.private_key_pem.write_to_path(folder / "client-key.pem")
    trustme.CA().issue_cert("x@y.test").private_key_pem.write_to_path(folder / "other-key.pem")
    (folder / "empty.pem").touch()
    (folder / "nonsense.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return _Certificates(folder, authority)


def test_a_plain_request_is_handed_to_the_proxy_as_it_is_with_the_proxys_login() -> None:
    async def main() -> None:
        async with _proxy() as proxy, _pool() as pool:
            route = Route(proxy=f"http://127.0.0.1:{proxy.port}", login=("anna", "пароль"))
            with pool.recording(str) as exchanges:
                answer = await _get(pool, "http://crm.test/%7Ea?b=%20+c", route)
            assert answer.text == "in"
        [head] = proxy.heads
        assert head.startswith("GET http://crm.test/%7Ea?b=%20+c HTTP/1.1\r\nHost: crm.test\r\n")
        assert f"\r\nProxy-Authorization: Basic {b64encode('anna:пароль'.encode()).decode()}\r\n" in head
        assert all("proxy" not in name.lower() for name, _ in exchanges[0].request_headers)
        assert "пароль" not in repr(route)

    asyncio.run(main())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("secured", [False, True])
def test_a_request_over_tls_goes_through_a_tunnel_whose_login_the_destination_never_sees(
    certificates: _Certificates,
    loop: type,
    secured: bool,  # noqa: FBT001
) -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with (
            _proxy(certificates.server() if secured else None) as proxy,
            _destination(certificates.server(), seen) as port,
            _pool(folder=certificates.folder) as pool,
        ):
            url = f"http{'s' if secured else ''}://127.0.0.1:{proxy.port}"
            route = Route(proxy=url, login=("anna", "s3cret"), ca="ca.pem")
            for _ in range(2):
                assert (await _get(pool, f"https://crm.test:{port}/x", route)).text == "in"
        [head] = proxy.heads
        assert head.startswith(f"CONNECT crm.test:{port} HTTP/1.1\r\n")
        assert "\r\nProxy-Authorization: Basic YW5uYTpzM2NyZXQ=\r\n" in head
        assert "\r\nUser-Agent: jackfield/" in head
        assert len(seen) == 2
        assert b"proxy-authorization" not in seen[0].lower()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def test_connections_through_other_proxies_or_with_other_logins_are_not_shared(certificates: _Certificates) -> None:
    async def main() -> None:
        async with (
            _proxy() as one,
            _proxy() as other,
            _destination(certificates.server(), []) as port,
            _pool(folder=certificates.folder) as pool,
        ):
            url = f"https://crm.test:{port}/"
            for proxy, login in ((one, None), (other, None), (one, ("a", "b")), (one, None)):
                await _get(pool, url, Route(proxy=f"http://127.0.0.1:{proxy.port}", login=login, ca="ca.pem"))
        assert (len(one.heads), len(other.heads)) == (2, 1)

    asyncio.run(main())


def test_a_proxy_at_a_private_address_has_to_be_allowed() -> None:
    async def main() -> None:
        async with _proxy() as proxy, _pool("10.0.0.0/8") as pool:
            for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
                for url in ("http://crm.test/", "https://crm.test/"):
                    with pytest.raises(DestinationRefused, match=r"127\.0\.0\.1|7f00:1|::1") as caught:
                        await _get(pool, url, Route(proxy=f"http://{host}:{proxy.port}"))
                    assert f"(for the proxy {host.strip('[]')}) is a loopback address; to allow it" in str(caught.value)
        assert proxy.heads == []

    asyncio.run(main())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2",
        "127.2",
        "2130706434",
        "0x7f.2",
        "0177.0.0.2",
        "127.0.0.2.",
        "127。0。0。2",
        "%31%32%37.0.0.2",
        "127.0.0.2%00.crm.test",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "0",
        "[::]",
        "[::1]",
        "[::1%25lo]",
        "[fe80::1%25eth0]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "169.254.169.254",
    ],
)
def test_an_address_that_is_not_public_is_not_asked_of_a_proxy_in_any_spelling(host: str) -> None:
    async def main() -> None:
        async with _proxy(host="127.0.0.3") as proxy, _pool("127.0.0.3") as pool:
            for scheme in ("http", "https"):
                with pytest.raises((DestinationRefused, httpx.InvalidURL)):
                    await _get(pool, f"{scheme}://{host}/", Route(proxy=f"http://127.0.0.3:{proxy.port}"))
        assert proxy.heads == []

    asyncio.run(main())


def test_what_is_allowed_or_public_may_be_asked_of_a_proxy() -> None:
    async def main() -> None:
        async with _proxy() as proxy, _pool("127.0.0.1", "10.1.0.0/16", "localhost") as pool:
            for host in ("10.1.2.3", "localhost", "8.8.8.8", "crm.test"):
                route = Route(proxy=f"http://127.0.0.1:{proxy.port}")
                assert (await _get(pool, f"http://{host}/", route)).text == "in"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("407 Proxy Authentication Required", httpx.LocalProtocolError),
        ("403 Forbidden", httpx.LocalProtocolError),
        ("429 Slow Down", httpx.ProxyError),
        ("502 Bad Gateway", httpx.ProxyError),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_named_with_its_answer(status: str, kind: type[Exception]) -> None:
    async def main() -> None:
        async with _proxy(refuse_with=status) as proxy, _pool() as pool:
            words = f"^the proxy 127.0.0.1 answered {status[:3]} when it was asked for crm.test: {status[4:]}$"
            with pool.recording(str) as exchanges, pytest.raises(kind, match=words) as caught:
                await _get(pool, "https://crm.test/token", Route(proxy=f"http://127.0.0.1:{proxy.port}"))
        assert exchanges[0].error == str(caught.value)

    asyncio.run(main())


def test_a_proxy_that_is_not_there_is_named() -> None:
    async def main() -> None:
        async with _proxy() as proxy:
            pass
        async with _pool() as pool:
            for scheme in ("http", "https"):
                with pytest.raises(httpx.ConnectError, match=r"^the proxy 127\.0\.0\.1 cannot be reached: Connection"):
                    await _get(pool, f"{scheme}://crm.test/", Route(proxy=f"http://127.0.0.1:{proxy.port}"))

    asyncio.run(main())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "127.0.0.1:8080", "http://", "http://a:b@127.0.0.1"])
def test_what_is_no_proxy_is_an_error_that_does_not_show_it(proxy: str) -> None:
    with pytest.raises(ValueError, match="must begin with http:// or https:// and a host") as caught:
        Route(proxy=proxy)
    assert "127" not in str(caught.value)


def test_a_certificate_of_an_own_authority_is_trusted_on_its_route_only(certificates: _Certificates) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server complains of a handshake
        async with _destination(certificates.server(), []) as port, _pool(folder=certificates.folder) as pool:
            url = f"https://127.0.0.1:{port}/"
            assert (await _get(pool, url, Route(ca="ca.pem"))).text == "in"
            assert (await _get(pool, url, Route(ca=str(certificates.folder / "ca.pem")))).text == "in"
            with pytest.raises(httpx.ConnectError, match="over TLS: unable to get local issuer certificate"):
                await pool.client.get(url)

    asyncio.run(main())


@pytest.mark.parametrize(("cert", "key"), [("client.pem", ""), ("client-cert.pem", "client-key.pem")])
def test_a_client_certificate_is_shown_to_who_asks(certificates: _Certificates, cert: str, key: str) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with _destination(certificates.server(asks=True), []) as port, _pool(folder=certificates.folder) as pool:
            url = f"https://127.0.0.1:{port}/"
            assert (await _get(pool, url, Route(ca="ca.pem", cert=cert, key=key))).text == "in"
            with pytest.raises(httpx.TransportError):
                await _get(pool, url, Route(ca="ca.pem"))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (Route(ca="missing.pem"), r"the certificates to trust, missing\.pem, cannot be read: No such file"),
        (Route(ca="empty.pem"), r"the certificates to trust, empty\.pem, cannot be read: "),
        (Route(ca="nonsense.pem"), r"the certificates to trust, nonsense\.pem, cannot be read: "),
        (Route(ca="."), r"the certificates to trust, \., cannot be read: "),
        (Route(ca="\0"), r".* cannot be read: .* cannot be the name of a file"),
        (Route(cert="missing.pem"), r"the client certificate missing\.pem cannot be used: No such file"),
        (Route(cert="client-cert.pem"), r"the client certificate client-cert\.pem cannot be used: "),
        (
            Route(cert="client-cert.pem", key="other-key.pem"),
            r"the client certificate client-cert\.pem with the key other-key\.pem cannot be used: KEY_VALUES_MISMATCH",
        ),
    ],
)
def test_a_file_that_cannot_be_used_fails_for_good_and_is_named(
    certificates: _Certificates, route: Route, words: str
) -> None:
    async def main() -> None:
        async with _pool(folder=certificates.folder) as pool:
            with pytest.raises(httpx.LocalProtocolError, match=f"the request to crm.test cannot be sent: {words}"):
                await _get(pool, "https://crm.test/", route)

    asyncio.run(main())


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(
    certificates: _Certificates, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - of this test only
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key((certificates.folder / "client-key.pem").read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    (tmp_path / "key.pem").write_bytes(encrypted)
    (tmp_path / "cert.pem").write_bytes((certificates.folder / "client-cert.pem").read_bytes())

    async def main() -> None:
        async with _pool(folder=tmp_path) as pool:
            with pytest.raises(httpx.LocalProtocolError, match="the key is encrypted; save it without a password"):
                await _get(pool, "https://crm.test/", Route(cert="cert.pem", key="key.pem"))

    asyncio.run(main())


def test_requests_at_the_same_time_read_the_files_once_and_only_the_latest_are_kept(
    certificates: _Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = ssl.create_default_context

    def counted(*, cafile: str | Path) -> ssl.SSLContext:
        if Path(cafile).parent == certificates.folder:
            made.append(Path(cafile).name)
        return real(cafile=cafile)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    for number in range(17):
        (certificates.folder / f"{number}.pem").write_bytes((certificates.folder / "ca.pem").read_bytes())

    async def main() -> None:
        async with _destination(certificates.server(), []) as port, _pool(folder=certificates.folder) as pool:
            url = f"https://127.0.0.1:{port}/"
            await asyncio.gather(*(_get(pool, url, Route(ca="0.pem")) for _ in range(10)))
            assert made == ["0.pem"]
            for name in [*range(1, 16), 0, 16, 0, 1]:  # 1 is the one that was not used for longest
                assert (await _get(pool, url, Route(ca=f"{name}.pem"))).text == "in"
        assert made == [*(f"{number}.pem" for number in range(17)), "1.pem"]

    asyncio.run(main())


@asynccontextmanager
async def _deaf(gone: asyncio.Event, answer: bytes = b"") -> AsyncIterator[int]:
    """Take connections and headers, but no body until the client has gone; then see that it has let go."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
        await gone.wait()
        with suppress(ConnectionError):
            await reader.read()
        writer.transport.abort()

    async with _listening(ignore) as port:
        yield port


def test_a_body_that_is_not_taken_is_a_write_timeout() -> None:
    async def main() -> None:
        gone = asyncio.Event()
        async with _pool() as pool, _deaf(gone) as port:
            timeout = httpx.Timeout(20, write=0.2)
            with pool.recording(str) as exchanges, pytest.raises(httpx.WriteTimeout) as caught:
                await pool.client.post(f"http://127.0.0.1:{port}/token", content=b"x" * 50_000_000, timeout=timeout)
            gone.set()
        assert str(caught.value) == "127.0.0.1 did not take the request's body in time" == exchanges[0].error

    asyncio.run(main())


def test_a_long_body_may_take_longer_than_the_limit_if_it_is_taken_piece_by_piece() -> None:
    async def main() -> None:
        size, got = 8_000_000, 0

        async def read_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal got
            await reader.readuntil(b"\r\n\r\n")
            while got < size:
                got += len(await reader.read(200_000))
                await asyncio.sleep(0.02)
            writer.write(_ANSWER)
            await writer.drain()
            writer.close()

        async with _listening(read_slowly) as port, _pool() as pool:
            began = asyncio.get_running_loop().time()
            timeout = httpx.Timeout(20, write=0.5)
            answer = await pool.client.post(f"http://127.0.0.1:{port}/", content=b"x" * size, timeout=timeout)
            assert asyncio.get_running_loop().time() - began > 0.5
        assert (answer.text, got) == ("in", size)

    asyncio.run(main())


def test_an_answer_that_comes_before_the_body_is_taken_is_read() -> None:
    async def main() -> None:
        answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        gone = asyncio.Event()
        async with _pool() as pool, _deaf(gone, answer) as port:
            timeout = httpx.Timeout(20, write=5)
            response = await pool.client.post(f"http://127.0.0.1:{port}/", content=b"x" * 50_000_000, timeout=timeout)
            gone.set()
        assert (response.status_code, response.text) == (413, "no")

    asyncio.run(main())


def test_a_long_body_is_sent_once_more_whole_where_its_connection_turns_out_to_be_closed() -> None:
    async def main() -> None:
        bodies: list[bytes] = []

        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    bodies.append(await reader.readexactly(200_000))
                    if len(bodies) == 2:
                        break
                    writer.write(_ANSWER)
            writer.close()

        async with _listening(answer_once) as port, _pool() as pool:
            url = f"http://127.0.0.1:{port}/"
            for _ in range(2):
                assert (await pool.client.put(url, content=b"x" * 200_000)).text == "in"
        assert bodies == [b"x" * 200_000] * 3

    asyncio.run(main())


class _Dial(Action[OptionsModel]):
    """Asks for a place that is not allowed, with a file of the project folder: refused if the file is there."""

    name = "dial"
    title = "Dial"
    Options = OptionsModel

    async def run(self, options: OptionsModel, step: Step) -> JsonValue:
        await self.context.http.get("https://127.0.0.1/", extensions={"route": Route(ca="certs/ca.pem")})
        return None


@pytest.mark.parametrize("name", ["certs/ca.pem", "../other/ca.pem", "ABSOLUTE"])
def test_a_file_outside_of_the_project_folder_is_not_read(
    certificates: _Certificates, tmp_path: Path, name: str
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "other").symlink_to(certificates.folder)
    (tmp_path / "project" / "certs").symlink_to(certificates.folder)
    name = name.replace("ABSOLUTE", str(certificates.folder / "ca.pem"))

    async def main() -> None:
        pool = HttpPool(allow=["127.0.0.1"], folder=tmp_path / "project")
        try:
            for route in (Route(ca=name), Route(cert=name), Route(cert="a.pem", key=name)):
                with pytest.raises(httpx.LocalProtocolError, match="lies outside of the project folder"):
                    await pool.client.get("https://127.0.0.1:9/", extensions={"route": route})
        finally:
            await pool.close()

    asyncio.run(main())


def test_a_host_looks_for_the_files_in_the_project_folder(certificates: _Certificates, tmp_path: Path) -> None:
    copytree(certificates.folder, tmp_path / "certs")
    plugin = Plugin()
    plugin.more = [_Dial]

    async def main() -> None:
        pipelines = {"x": '[source]\nuse = "call"\n[[steps]]\nuse = "dial"\nname = "d"\n'}
        async with run_host(tmp_path, plugin, pipelines) as host:
            view = await until(host, await give(host, {}))
        assert view.summary.state is State.FAILED
        assert "127.0.0.1 (for https://127.0.0.1) is a loopback address" in repr(view)

    asyncio.run(main())
