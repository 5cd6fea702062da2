"""What a destination sends beside its answer: interim answers without end, bodies where there is none, stray bytes."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.components.values import Exchange
from jackfield.http.client import HttpPool
from jackfield.http.connection import MOST_HEAD, MOST_INTERIM, head_end

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOTE = "127.0.0.1 sent more than its answer: the rest was left out"


class Destination:
    """Answers each request with the same pieces, one after the other; `connections` counts."""

    def __init__(self, *pieces: bytes, endless: bytes = b"") -> None:
        self.pieces = pieces
        self.endless = endless
        self.requests = 0
        self.connections = 0
        self.flooded = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        talks: set[asyncio.Task[None] | None] = set()

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.current_task())
            self.connections += 1
            try:
                while True:
                    await self.answer(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(converse, "127.0.0.1")
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            server.close()
            for talk in filter(None, talks):
                talk.cancel()
            await asyncio.gather(*filter(None, talks), return_exceptions=True)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), b": 0")
        await reader.readexactly(int(length.partition(b": ")[2]))
        self.requests += 1
        for piece in self.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        while self.endless:
            writer.write(self.endless)
            self.flooded += len(self.endless)
            await writer.drain()


def asked(
    destination: Destination, *, method: str = "POST", times: int = 1
) -> tuple[list[tuple[int, bytes]], list[Exchange]]:
    async def main() -> tuple[list[tuple[int, bytes]], list[Exchange]]:
        pool = HttpPool(allow=["127.0.0.1"])
        async with destination.serving() as url:
            try:
                with pool.recording(str) as exchanges:
                    answers = [await pool.client.request(method, url, content=b"x") for _ in range(times)]
            finally:
                await pool.close()
        return [(answer.status_code, answer.content) for answer in answers], list(exchanges)

    return asyncio.run(main())


def test_interim_answers_without_end_are_broken_off_and_hold_nobody_up() -> None:
    async def main() -> tuple[float, int]:
        destination = Destination(endless=INTERIM * 10_000)
        pool = HttpPool(allow=["127.0.0.1"])
        longest, ended = 0.0, False

        async def tick() -> None:
            nonlocal longest
            clock = asyncio.get_running_loop().time
            while not ended:
                before = clock()
                await asyncio.sleep(0)
                longest = max(longest, clock() - before)

        async with destination.serving() as url:
            ticking = asyncio.create_task(tick())
            try:
                with pytest.raises(httpx.RemoteProtocolError, match="without end"):
                    await pool.client.post(url, content=b"x")
            finally:
                ended = True
                await ticking
                await pool.close()
        return longest, destination.flooded

    tracemalloc.start()
    longest, _ = asyncio.run(main())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert longest < 2
    assert peak < 30_000_000


def test_a_head_without_end_is_broken_off() -> None:
    destination = Destination(endless=b"".join(b"X-%d: %s\r\n" % (number, b"x" * 2000) for number in range(100)))
    destination.pieces = (b"HTTP/1.1 200 OK\r\n",)
    with pytest.raises(httpx.RemoteProtocolError):
        asked(destination)


def test_interim_answers_that_are_many_bytes_are_broken_off() -> None:
    long = b"HTTP/1.1 103 Early Hints\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 8000) for n in range(12)) + b"\r\n"
    assert len(long) * MOST_INTERIM > 2 * MOST_HEAD
    with pytest.raises(httpx.RemoteProtocolError, match="without end"):
        asked(Destination(*[long] * MOST_INTERIM, OK))


def test_a_few_interim_answers_are_passed_over() -> None:
    destination = Destination(INTERIM * 3, INTERIM + OK)
    assert asked(destination, times=2)[0] == [(200, b"ok")] * 2
    assert (destination.requests, destination.connections) == (2, 1)


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ((b"HTTP/1.1 204 No Content\r\n\r\nhello",), (204, b"")),
        ((b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",), (204, b"")),
        ((b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",), (204, b"")),
        ((b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\nhello",), (204, b"")),
        ((b"HTTP/1.1 204 No Content\n\nhello",), (204, b"")),
        ((OK + b"!",), (200, b"ok")),
        ((OK + b"\0" * 100_000,), (200, b"ok")),
        ((OK + OK,), (200, b"ok")),
        ((OK[:-1], b"k!"), (200, b"ok")),
        ((INTERIM + OK + b"\r\nx",), (200, b"ok")),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok!",), (200, b"ok")),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n!",), (200, b"ok")),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n!",), (200, b"")),
    ],
)
def test_what_comes_behind_an_answer_is_left_out_and_noted(
    pieces: tuple[bytes, ...], answer: tuple[int, bytes]
) -> None:
    destination = Destination(*pieces)
    answers, (exchange,) = asked(destination)
    assert answers == [answer]
    assert destination.requests == 1
    assert (exchange.status, exchange.error) == (answer[0], NOTE)


def test_a_connection_with_stray_bytes_in_it_is_not_used_again() -> None:
    destination = Destination(OK + b"HTTP/1.1 500 Trap\r\nContent-Length: 0\r\n\r\n")
    assert asked(destination, times=3)[0] == [(200, b"ok")] * 3
    assert (destination.requests, destination.connections) == (3, 3)


def test_a_connection_on_which_a_204_announces_a_body_is_not_used_again() -> None:
    destination = Destination(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")
    answers, exchanges = asked(destination, times=2)
    assert answers == [(204, b"")] * 2
    assert destination.connections == 2
    assert {exchange.error for exchange in exchanges} == {NOTE}


def test_an_answer_that_is_as_it_should_be_has_no_note() -> None:
    for whole in (OK, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"):
        destination = Destination(whole)
        _, exchanges = asked(destination, times=2)
        assert {exchange.error for exchange in exchanges} == {None}
        assert destination.connections == 1


def test_the_answer_to_head_may_say_how_long_a_body_would_be() -> None:
    destination = Destination(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    _, (exchange,) = asked(destination, method="HEAD")
    assert exchange.error is None


def test_an_answer_that_breaks_off_is_a_failure_still() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        asked(Destination(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", b"\r\n!!!\r\n"))
    with pytest.raises(httpx.RemoteProtocolError):
        asked(Destination(b"garbage\r\n\r\n"))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_however_an_answer_is_cut_into_pieces_it_is_the_same(data: st.DataObject) -> None:
    kinds = {
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello": (200, b"hello"),
        INTERIM + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n": (
            200,
            b"hello",
        ),
        b"HTTP/1.1 204 No Content\r\n\r\n": (204, b""),
    }
    whole = data.draw(st.sampled_from(sorted(kinds)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    answers, (exchange,) = asked(Destination(*pieces))
    assert answers == [kinds[whole]]
    assert exchange.error is None


def test_the_end_of_a_head_is_found_wherever_it_is_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    for cut in range(1, len(head)):
        assert head_end(b"", head[:cut]) is None or cut == len(head)
        assert head_end(head[:cut][-3:], head[cut:] + b"rest") == len(head) - cut
    assert head_end(b"", b"HTTP/1.1 200 OK\n\nrest") == len(b"HTTP/1.1 200 OK\n\n")
