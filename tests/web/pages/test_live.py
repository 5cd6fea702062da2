"""The stream that tells open pages of changes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from jackfield.access.users import Role, Users
from jackfield.web.pages.live import MOST_STREAMS
from tests.support import hook, serve, steps
from tests.web.site import visitor


def test_a_change_is_told_and_the_stream_ends_with_the_host(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": steps('do = "say"')}) as served,
            visitor(served) as operator,
            asyncio.timeout(20),
            operator.client.stream("GET", "/live") as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            async with httpx.AsyncClient() as sender:
                assert (await sender.post(hook(served), json={})).status_code == 200
            async for line in lines:
                if line == "event: changed":
                    break
            served.host.stopping.set()
            assert [line async for line in lines if line.startswith("event:")] == []

    asyncio.run(main())


def test_the_stream_ends_with_the_session_of_who_listens(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {}) as served,
            visitor(served, Role.VIEWER) as viewer,
            asyncio.timeout(20),
            viewer.client.stream("GET", "/live") as stream,
        ):
            Users(served.host.project.var).remove("viewer")
            assert [line async for line in stream.aiter_lines() if line.startswith("event:")] == []

    asyncio.run(main())


def test_of_too_many_streams_of_one_user_the_oldest_is_ended_and_told_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {}) as served,
            visitor(served) as operator,
            visitor(served, Role.VIEWER) as viewer,
            asyncio.timeout(20),
            AsyncExitStack() as streams,
        ):
            of_viewer = await streams.enter_async_context(viewer.client.stream("GET", "/live"))
            opened = [
                await streams.enter_async_context(operator.client.stream("GET", "/live"))
                for _ in range(MOST_STREAMS + 1)
            ]
            oldest, *others = opened
            events = [line async for line in oldest.aiter_lines() if line.startswith("event:")]
            assert events == ["event: enough"]
            served.host.stopping.set()
            for stream in (of_viewer, *others):
                assert [line async for line in stream.aiter_lines() if line.startswith("event:")] == []

    asyncio.run(main())


def test_nobody_listens_without_logging_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served, visitor(served, None) as stranger:
            assert (await stranger.get("/live")).status_code == 303

    asyncio.run(main())
