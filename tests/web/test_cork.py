import asyncio

from jackfield.web.cork import Cork


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
