from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from jackfield_http_request.auth.tokens import Token, Tokens

T = TypeVar("T")


class Shop:
    """Hands out tokens, and may be told to wait or to fail. `time` is its clock, set by hand."""

    def __init__(self, seconds: float = 3600) -> None:
        self.time = 1000.0
        self.seconds = seconds
        self.sold = 0
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.tokens = Tokens(lambda: self.time)

    async def fetch(self) -> Token:
        self.sold += 1
        number = self.sold
        self.asked.set()
        await self.open.wait()
        return Token(f"t{number}", self.seconds)

    async def get(self, key: str = "key", refused: Token | None = None) -> Token:
        return await self.tokens.get(key, self.fetch, refused=refused)


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


@pytest.mark.parametrize(("seconds", "until"), [(3600, 3570), (100, 90), (10, 9)])
def test_a_token_is_kept_until_shortly_before_it_expires(seconds: float, until: float) -> None:
    async def main() -> None:
        shop = Shop(seconds)
        first = await shop.get()
        shop.time += until - 0.5
        assert await shop.get() is first
        shop.time += 0.5
        assert await shop.get() is not first

    run(main())


def test_the_time_that_the_fetching_took_counts() -> None:
    async def main() -> None:
        shop = Shop(100)
        shop.open.clear()
        asking = asyncio.create_task(shop.get())
        await shop.asked.wait()
        shop.time += 90
        shop.open.set()
        first = await asking
        assert await shop.get() is not first

    run(main())


def test_many_at_the_same_time_fetch_once() -> None:
    async def main() -> None:
        shop = Shop()
        assert len({id(token) for token in await asyncio.gather(*(shop.get() for _ in range(20)))}) == 1
        assert shop.sold == 1

    run(main())


def test_a_refused_token_is_replaced_once_for_all_to_whom_it_was_refused() -> None:
    async def main() -> None:
        shop = Shop()
        first = await shop.get()
        again = await asyncio.gather(*(shop.get(refused=first) for _ in range(20)))
        assert {token.value for token in again} == {"t2"}
        assert (await shop.get()).value == "t2"

    run(main())


def test_one_who_fetches_and_is_cancelled_leaves_it_to_the_next() -> None:
    async def main() -> None:
        shop = Shop()
        shop.open.clear()
        first = asyncio.create_task(shop.get())
        await shop.asked.wait()
        others = [asyncio.create_task(shop.get()) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        shop.open.set()
        assert [token.value for token in await asyncio.gather(*others)] == ["t2", "t2", "t2"]
        assert first.cancelled()

    run(main())


def test_a_failure_is_not_kept() -> None:
    async def main() -> None:
        shop = Shop()

        async def fail() -> Token:
            raise LookupError

        with pytest.raises(LookupError):
            await shop.tokens.get("key", fail)
        first = await shop.get()
        with pytest.raises(LookupError):
            await shop.tokens.get("key", fail, refused=first)
        assert (await shop.get()).value == "t2"

    run(main())


def test_only_the_tokens_that_were_used_last_are_kept() -> None:
    async def main() -> None:
        shop = Shop()
        kept = await shop.get("kept")
        for number in range(40):
            await shop.get(str(number))
            assert await shop.get("kept") is kept
        assert shop.sold == 41
        await shop.get("0")
        assert shop.sold == 42

    run(main())


def test_a_token_does_not_show_what_it_is() -> None:
    assert "t0p" not in repr(Token("t0p", 1))
