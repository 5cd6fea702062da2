import asyncio

import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from jackfield.web.cork import Cork
from jackfield.web.protocol import LongAddresses
from jackfield.web.turnstile import Turnstile


class Sent(asyncio.Transport):
    """The end of a connection: what was sent, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_what_is_written_in_one_round_of_the_loop_leaves_together() -> None:
    async def main() -> None:
        sent = Sent()
        cork = Cork(sent)
        cork.write(b"head ")
        cork.write(b"body")
        assert sent.pieces == []
        await asyncio.sleep(0)
        assert sent.pieces == [b"head body"]
        cork.write(b"more")
        await asyncio.sleep(0)
        assert sent.pieces == [b"head body", b"more"]

    asyncio.run(main())


def test_much_is_sent_at_once_so_that_the_connection_can_ask_for_a_pause() -> None:
    async def main() -> None:
        sent = Sent()
        cork = Cork(sent)
        cork.write(b"a" * 60_000)
        cork.write(b"b" * 60_000)
        assert [len(piece) for piece in sent.pieces] == [120_000]
        cork.write(b"c")
        await asyncio.sleep(0)
        assert sent.pieces[1:] == [b"c"]

    asyncio.run(main())


def test_what_was_written_before_a_connection_closes_is_sent_before_it_closes() -> None:
    async def main() -> None:
        sent = Sent()
        cork = Cork(sent)
        cork.write(b"last words")
        cork.close()
        await asyncio.sleep(0)
        assert sent.pieces == [b"last words"]
        assert sent.closed

    asyncio.run(main())


def test_an_answer_leaves_with_its_head() -> None:
    async def main() -> None:
        config = uvicorn.Config(PlainTextResponse("body"), log_config=None, lifespan="off")
        config.load()
        state, sent = ServerState(), Sent()
        protocol = LongAddresses(config=config, server_state=state, app_state={}, turnstile=Turnstile(9))
        protocol.connection_made(sent)
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.gather(*state.tasks)
        await asyncio.sleep(0)
        [answer] = sent.pieces
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nbody")
        protocol.connection_lost(None)

    asyncio.run(main())
