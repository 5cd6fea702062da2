from __future__ import annotations

import asyncio
import gc
import gzip
import json
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.errors import DestinationRefused
from jackfield.http.client import HttpPool
from tests.servers import listening

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

_UNTRUSTED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6jxobmpNSYlsa0lK
Yi17YIZmcU6zmsRiEzCWiNjttFShRANCAAQF4VKZSR4znUXV7ZE+/n26iFdzCs7+
dXzn0gEPYS7vh9MJKxEbilMat/ozLIhhGVxL49/SlO79hSOi3//QpkE8
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUEDikaqkCyi3qVTiyzVxfQYFI9/wwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDA3MDE1NloYDzIxMjYxMDMx
MDcwMTU2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQF4VKZSR4znUXV7ZE+/n26iFdzCs7+dXzn0gEPYS7vh9MJKxEbilMa
t/ozLIhhGVxL49/SlO79hSOi3//QpkE8o2QwYjAdBgNVHQ4EFgQUPKgYbn+MVoen
F2b2uy1Ke7aGlxwwHwYDVR0jBBgwFoAUPKgYbn+MVoenF2b2uy1Ke7aGlxwwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IEUv3AvTcAoWul/9tK45WWAMIT42pa2uj6ksFbnIa6YBAiEA27NVk1Q9UJFD8Xxg
0C3Ddy588k2dGmBoKLXkSml4f9g=
-----END CERTIFICATE-----
"""


def _as_it_is(text: str) -> str:
    return text


def _without_secret(text: str) -> str:
    return text.replace("s3cret", "***")


@asynccontextmanager
async def _serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await handler(head + await _body(head, reader), writer)
            await writer.drain()

    async with listening(converse, tls=tls) as port:
        yield port


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    if b"transfer-encoding" in lines:
        return await reader.readuntil(b"0\r\n\r\n")
    return await reader.readexactly(int(lines.get(b"content-length", b"0")))


def _answer(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _answering(data: bytes, seen: list[bytes] | None = None) -> Handler:
    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        if seen is not None:
            seen.append(request)
        writer.write(data)

    return handler


@asynccontextmanager
async def _pool(*allow: str, body_cap: int = 64_000) -> AsyncIterator[HttpPool]:
    pool = HttpPool(allow=allow or ("127.0.0.1",), body_cap=body_cap)
    try:
        yield pool
    finally:
        await pool.close()


def test_an_exchange_shows_what_was_sent_and_what_came_back() -> None:
    async def main() -> None:
        seen: list[bytes] = []
        handler = _answering(_answer("да".encode(), "X-Id: 7"), seen)
        async with _serving(handler) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                url = f"http://127.0.0.1:{port}/a?b=c#d"
                await pool.client.post(url, content="тело".encode(), headers={"X-A": "1"})
                assert not exchanges
        [exchange] = exchanges
        assert (exchange.method, exchange.url, exchange.status) == ("POST", url.removesuffix("#d"), 200)
        assert (exchange.request_body, exchange.response_body, exchange.error) == ("тело", "да", None)
        assert ("X-Id", "7") in exchange.response_headers
        assert 0 < exchange.elapsed_ms < 10_000
        sent = {f"{name}: {value}" for name, value in exchange.request_headers}
        assert set(seen[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]) == sent

    asyncio.run(main())


def test_credentials_and_cookies_are_masked_whatever_the_mask_does() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"", "Set-Cookie: a=s3cret"))) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                headers = {"Authorization": "Bearer s3cret", "Proxy-Authorization": "s3cret", "Cookie": "a=s3cret"}
                await pool.client.get(f"http://127.0.0.1:{port}/", headers=headers)
                await pool.client.get(f"http://s3cret:s3cret@127.0.0.1:{port}/")
        assert len(exchanges) == 2
        assert "s3cret" not in repr(exchanges)
        assert [value for _, value in exchanges[0].request_headers].count("***") == 3
        assert ("Authorization", "***") in exchanges[1].request_headers
        assert ("Set-Cookie", "***") in exchanges[0].response_headers

    asyncio.run(main())


def test_the_mask_is_applied_to_everything_that_is_shown() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"<s3cret>", "X-Echo: s3cret"))) as port, _pool() as pool:
            with pool.recording(_without_secret) as exchanges:
                url = f"http://127.0.0.1:{port}/s3cret?key=s3cret"
                await pool.client.post(url, content=b"is s3cret", headers={"X-Token": "s3cret"})
                with pytest.raises(httpx.ConnectError):
                    await pool.client.get("http://s3cret.invalid/")
        assert "s3cret" not in repr(exchanges)
        assert (exchanges[0].request_body, exchanges[0].response_body) == ("is ***", "<***>")
        assert exchanges[1].error == "***.invalid is not known: its name does not resolve"

    asyncio.run(main())


@settings(max_examples=20)
@given(st.integers(0, 120), st.booleans())
def test_a_long_body_is_cut_with_a_mark_and_no_part_of_a_secret_shows(before: int, at_end: bool) -> None:  # noqa: FBT001
    body = b"-" * before + b"s3cret" * 20 + (b"" if at_end else b"-" * 100_000)

    async def main() -> None:
        async with _serving(_answering(_answer(body))) as port, _pool(body_cap=100) as pool:
            with pool.recording(_without_secret) as exchanges:
                await pool.client.post(f"http://127.0.0.1:{port}/", content=body)
        for shown in (exchanges[0].request_body, exchanges[0].response_body):
            text, mark, rest = shown.partition(" … [cut at 100 bytes]")
            assert mark
            assert not rest
            assert len(text) <= 100
            assert set(text) <= set("-*")

    asyncio.run(main())


def test_a_body_that_is_full_of_secrets_is_cut_before_the_one_that_was_cut_in_two() -> None:
    async def main() -> None:
        secret = "s3cret" * 500
        body = (secret * 400).encode()
        async with _serving(_answering(_answer(body))) as port, _pool(body_cap=1000) as pool:
            with pool.recording(lambda text: text.replace(secret, "***")) as exchanges:
                await pool.client.get(f"http://127.0.0.1:{port}/")
        assert "s3cret" not in exchanges[0].response_body

    asyncio.run(main())


def test_a_character_that_the_cap_cuts_in_two_is_left_out() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(("ж" * 30_000).encode()))) as port, _pool(body_cap=11) as pool:
            with pool.recording(_as_it_is) as exchanges:
                await pool.client.get(f"http://127.0.0.1:{port}/")
        assert exchanges[0].response_body == "жжжжж … [cut at 11 bytes]"

    asyncio.run(main())


def test_a_confidential_exchange_is_recorded_without_its_bodies() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"the token"))) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                url, extensions = f"http://127.0.0.1:{port}/", {"confidential": True}
                answer = await pool.client.post(url, content=b"a password", extensions=extensions)
                assert answer.content == b"the token"
        [exchange] = exchanges
        assert exchange.status == 200
        assert exchange.request_body == exchange.response_body == "[confidential]"

    asyncio.run(main())


def test_a_body_that_is_not_utf_8_is_described() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"\x89PNG\xff", "Content-Type: image/png"))) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                await pool.client.post(f"http://127.0.0.1:{port}/", content=b"\xff\xfe")
        assert exchanges[0].response_body == "[5 bytes, image/png]"
        assert exchanges[0].request_body == "[2 bytes, of no stated type]"

    asyncio.run(main())


def test_a_compressed_answer_is_read_and_recorded_as_text() -> None:
    async def main() -> None:
        body = gzip.compress("привет".encode())
        async with _serving(_answering(_answer(body, "Content-Encoding: gzip"))) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                response = await pool.client.get(f"http://127.0.0.1:{port}/")
        assert response.text == exchanges[0].response_body == "привет"
        assert ("Content-Encoding", "gzip") in exchanges[0].response_headers

    asyncio.run(main())


def test_an_answer_that_is_not_read_to_its_end_says_so() -> None:
    async def main() -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin"
        async with _serving(_answering(head)) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                async with pool.client.stream("GET", f"http://127.0.0.1:{port}/") as response:
                    await anext(response.aiter_raw())
        assert exchanges[0].response_body == "begin … [the rest was not read]"

    asyncio.run(main())


async def _close(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _break_off(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
    await writer.drain()
    writer.close()


async def _stay_silent(_: bytes, writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def _talk_nonsense(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail ready\r\n\r\n")


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (_close, httpx.RemoteProtocolError, "closed the connection before it answered"),
        (_break_off, httpx.RemoteProtocolError, "broke its answer off"),
        (_stay_silent, httpx.ReadTimeout, "did not answer in time"),
        (_talk_nonsense, httpx.RemoteProtocolError, "did not answer in HTTP"),
    ],
)
def test_an_answer_that_fails_is_recorded_and_named_by_host_only(
    handler: Handler, kind: type[httpx.TransportError], words: str
) -> None:
    async def main() -> None:
        async with _serving(handler) as port, _pool() as pool:
            url, timeout = f"http://127.0.0.1:{port}/path-token?query-token", httpx.Timeout(5, read=0.2)
            with pool.recording(_as_it_is) as exchanges, pytest.raises(kind) as caught:
                await pool.client.post(url, timeout=timeout)
        assert words in str(caught.value)
        assert "127.0.0.1" in str(caught.value)
        assert "token" not in str(caught.value)
        assert exchanges[0].error == str(caught.value)
        assert exchanges[0].status == (200 if handler is _break_off else None)
        assert exchanges[0].response_body == ("begin" if handler is _break_off else "")

    asyncio.run(main())


def test_a_connection_that_nobody_takes_is_a_connect_error() -> None:
    async def main() -> None:
        async with _serving(_close) as port:
            pass
        async with _pool() as pool:
            with pytest.raises(httpx.ConnectError, match=r"^127\.0\.0\.1 cannot be reached: Connection refused$"):
                await pool.client.get(f"http://127.0.0.1:{port}/")

    asyncio.run(main())


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        pem = tmp_path / "untrusted.pem"
        pem.write_text(_UNTRUSTED)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server complains of the handshake
        async with _serving(_answering(_answer(b"")), tls) as port, _pool() as pool:
            with pytest.raises(httpx.ConnectError, match=r"cannot be talked to over TLS: .*certificate"):
                await pool.client.get(f"https://127.0.0.1:{port}/")

    asyncio.run(main())


def test_a_server_without_tls_is_said_to_have_none() -> None:
    async def main() -> None:
        async def answer_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with listening(answer_at_once) as port, _pool() as pool:
            with pytest.raises(httpx.ConnectError, match="over TLS: WRONG_VERSION_NUMBER"):
                await pool.client.get(f"https://127.0.0.1:{port}/")

    asyncio.run(main())


def test_an_attempt_that_is_cancelled_leaves_its_exchange() -> None:
    async def main() -> None:
        async with _serving(_stay_silent) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges, pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await pool.client.get(f"http://127.0.0.1:{port}/")
        assert exchanges[0].error == "the attempt ended before there was an answer"

    asyncio.run(main())


def test_cookies_do_not_get_from_one_request_to_another() -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with _serving(_answering(_answer(b"", "Set-Cookie: a=1; Path=/"), seen)) as port, _pool() as pool:
            for _ in range(2):
                await pool.client.get(f"http://127.0.0.1:{port}/")
            with pytest.raises(AttributeError, match="shared"):
                pool.client.cookies = {"a": "1"}
        assert len(seen) == 2
        assert b"cookie" not in seen[1].lower()

    asyncio.run(main())


def test_repeated_headers_stay_apart_and_a_url_is_not_quoted_anew() -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with _serving(_answering(_answer(b""), seen)) as port, _pool() as pool:
            url = f"http://127.0.0.1:{port}/%7Ea%2Fb;c?d=%20+%41&e"
            await pool.client.post(url, headers=[("X-A", "1"), ("x-a", "2"), ("X-A", "3")])
        assert seen[0].startswith(b"POST /%7Ea%2Fb;c?d=%20+%41&e HTTP/1.1\r\n")
        assert b"X-A: 1\r\nX-A: 2\r\nX-A: 3\r\n" in seen[0]
        assert b"content-type" not in seen[0].lower()

    asyncio.run(main())


def test_a_body_may_be_a_stream_and_may_be_large() -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        seen: list[bytes] = []
        async with _serving(_answering(_answer(b""), seen)) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                await pool.client.post(f"http://127.0.0.1:{port}/", content=chunks())
                await pool.client.post(f"http://127.0.0.1:{port}/", content=b"x" * 3_000_000)
        assert seen[0].endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        assert seen[1].endswith(b"\r\n\r\n" + b"x" * 3_000_000)
        assert exchanges[0].request_body == "[a stream]"

    asyncio.run(main())


def test_connections_are_used_again() -> None:
    async def main() -> None:
        ports: list[int] = []

        async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
            ports.append(writer.get_extra_info("peername")[1])
            writer.write(_answer(b"ok"))

        async with _serving(handler) as port, _pool() as pool:
            for _ in range(3):
                await pool.client.get(f"http://127.0.0.1:{port}/")
        assert len(ports) == 3
        assert len(set(ports)) == 1

    asyncio.run(main())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_the_guard_stops_a_request_however_the_address_is_written(host: str) -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with _serving(_answering(_answer(b""), seen)) as port, _pool("10.0.0.0/8") as pool:
            with pool.recording(_as_it_is) as exchanges, pytest.raises(DestinationRefused) as caught:
                await pool.client.get(f"http://{host}:{port}/path-token")
        assert "put it into [http] allow in jackfield.toml" in str(caught.value)
        assert f"(for http://{host.strip('[]')})" in str(caught.value)
        assert exchanges[0].error == str(caught.value)
        assert not seen

    asyncio.run(main())


@pytest.mark.parametrize(
    "host", ["0177.0.0.1", "0x7f000001", "127.0.1", "[::]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::7f00:1]"]
)
def test_no_spelling_of_this_machine_reaches_it(host: str) -> None:
    async def main() -> None:
        seen: list[bytes] = []
        async with _serving(_answering(_answer(b""), seen)) as port, _pool("10.0.0.0/8") as pool:
            with pytest.raises((DestinationRefused, httpx.InvalidURL)):
                await pool.client.get(f"http://{host}:{port}/")
        assert not seen

    asyncio.run(main())


@pytest.mark.parametrize("host", ["2130706433", "127.1"])
def test_an_address_in_an_odd_notation_does_not_get_out(host: str) -> None:
    async def main() -> None:
        async with _pool("10.0.0.0/8") as pool:
            with pytest.raises(DestinationRefused, match="usual form"):
                await pool.client.get(f"http://{host}/")

    asyncio.run(main())


def test_a_host_name_that_is_allowed_gets_out_and_its_address_does_not() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"in"))) as port, _pool("LocalHost") as pool:
            assert (await pool.client.get(f"http://localhost:{port}/")).text == "in"
            with pytest.raises(DestinationRefused):
                await pool.client.get(f"http://127.0.0.1:{port}/")

    asyncio.run(main())


def test_what_is_allowed_must_make_sense() -> None:
    with pytest.raises(ValueError, match="is not a network"):
        HttpPool(allow=["10.0.0.0/99"])


def test_recordings_at_the_same_time_do_not_mix() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b""))) as port, _pool() as pool:

            async def record(name: str) -> list[str]:
                with pool.recording(_as_it_is) as exchanges:
                    for number in range(3):
                        await pool.client.get(f"http://127.0.0.1:{port}/{name}{number}")
                return [httpx.URL(exchange.url).path for exchange in exchanges]

            paths = await asyncio.gather(*map(record, "abcde"))
            assert paths == [[f"/{name}{number}" for number in range(3)] for name in "abcde"]
            with pool.recording(_as_it_is) as exchanges:
                await asyncio.create_task(pool.client.get(f"http://127.0.0.1:{port}/task"))
            assert len(exchanges) == 1

    asyncio.run(main())


def test_the_time_of_an_exchange_includes_the_body() -> None:
    async def main() -> None:
        async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(b"b")

        async with _serving(handler) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                began = time.perf_counter()
                await pool.client.get(f"http://127.0.0.1:{port}/")
                took = (time.perf_counter() - began) * 1000
        assert 50 <= exchanges[0].elapsed_ms <= took

    asyncio.run(main())


def test_an_exchange_can_be_written_as_json() -> None:
    async def main() -> None:
        async with _serving(_answering(_answer(b"\x00\xc3\xa4", "X-Odd: \xff"))) as port, _pool() as pool:
            with pool.recording(_as_it_is) as exchanges:
                await pool.client.get(f"http://127.0.0.1:{port}/")
        json.dumps([exchanges[0].response_headers, exchanges[0].response_body], ensure_ascii=False).encode()

    asyncio.run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_what_an_exchange_took_up_does_not_wait_for_the_garbage_collector(stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with _serving(_answering(_answer(b"a long answer"))) as port, _pool() as pool:
            request = pool.client.build_request("GET", f"http://127.0.0.1:{port}/")
            answer = await pool.client.send(request, stream=stream)
            assert await answer.aread() == b"a long answer"
            gone = weakref.ref(answer)
            del answer, request
            assert gone() is None

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
