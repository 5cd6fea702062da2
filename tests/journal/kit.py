"""What the journal's tests share. The contract's tests know no back end: they are given `Journals`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from uuid_utils import uuid7

from jackfield.components.values import Event, Exchange
from jackfield.journal.protocol import Claim, Handler, Journal
from jackfield.journal.records import (
    SETTLED,
    Attempt,
    Failed,
    Limits,
    NewRun,
    Outcome,
    RetryAt,
    State,
    StoredRequest,
    Succeeded,
    Verdict,
)
from jackfield.journal.views import RunView

T = TypeVar("T")
JournalT = TypeVar("JournalT", bound=Journal)

REQUEST = StoredRequest("POST", "id=7", (("host", "hooks.example"), ("x-tag", "a"), ("x-tag", "b")), "имя=Иван")
EXCHANGE = Exchange("GET", "https://crm.example/7", (("a", "b"),), "", 200, (("c", "d"), ("c", "e")), "да", 12.5)


class Journals(Protocol):
    """Makes journals on one and the same storage, as several processes would have them."""

    def __call__(self, now: Callable[[], datetime] = ...) -> Journal: ...


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


def new_run(at: datetime, data: dict[str, Any] | None = None, pipeline: str = "orders", **fields: Any) -> NewRun:
    run = NewRun(str(uuid7()), pipeline, "v1", at, Event(data if data is not None else {"id": 7}), REQUEST)
    return replace(run, **fields)


def attempt(
    at: datetime, index: int = 0, outcome: Outcome = Outcome.SUCCEEDED, result: Any = None, **fields: Any
) -> Attempt:
    tried = Attempt(index, f"step{index}", 1, at, 1.5, outcome, result=result, exchanges=(EXCHANGE,))
    return replace(tried, **fields)


async def succeed(claim: Claim) -> tuple[Verdict, str]:
    return Succeeded(), claim.version


class Recorder:
    """A handler that does what `plan` says and remembers which runs it was given."""

    def __init__(self, plan: Callable[[Claim], Verdict] = lambda _: Succeeded()) -> None:
        self.plan = plan
        self.runs: list[str] = []

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        self.runs.append(claim.run)
        await asyncio.sleep(0)
        return self.plan(claim), claim.version


class Gate:
    """A handler that holds every run until it is let through."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.most = 0

    async def __call__(self, claim: Claim) -> tuple[Verdict, str]:
        self.claims.append(claim)
        door = self.doors[claim.run] = asyncio.Event()
        self.most = max(self.most, len(self.doors))
        await door.wait()
        del self.doors[claim.run]
        return Succeeded(), claim.version

    def release(self) -> None:
        for door in self.doors.values():
            door.set()


def retry_once(at: datetime) -> Callable[[Claim], Verdict]:
    retry = RetryAt(at, "not now", attempt(at, outcome=Outcome.RETRYING))
    return lambda claim: retry if claim.attempt == 1 else Succeeded()


def always(verdict: Verdict) -> Callable[[Claim], Verdict]:
    return lambda _: verdict


@asynccontextmanager
async def opened(journal: JournalT) -> AsyncIterator[JournalT]:
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def working(
    journal: Journal,
    handler: Handler = succeed,
    limits: Callable[[str], Limits | None] = lambda _: Limits(),
    grace: float = 5,
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(journal.work(handler, limits, stop, grace))
    await asyncio.sleep(0)  # let it begin
    try:
        yield
    finally:
        stop.set()
        await work


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens on this event loop."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def settled(journal: Journal, run: str, *states: State) -> RunView:
    """Wait for a run to be in one of these states, or settled."""
    wanted = states or tuple(SETTLED)
    async with asyncio.timeout(20):
        while True:
            view = await journal.run(run)
            if view is not None and view.summary.state in wanted:
                return view
            await asyncio.sleep(0.01)


async def state_of(journal: Journal, run: str) -> State:
    view = await journal.run(run)
    assert view is not None
    return view.summary.state


async def give(journal: Journal, *runs: NewRun) -> list[str]:
    """Accept runs one call after the other; return their ids."""
    return [accepted.id for run in runs for accepted in await journal.accept([run])]


async def failed_run(journal: Journal, at: datetime) -> str:
    """Make a run that completed two steps and failed in the third."""

    async def handler(claim: Claim) -> tuple[Verdict, str]:
        await claim.checkpoint(attempt(at, 0, result={"n": 0}), version="v2")
        await claim.checkpoint(attempt(at, 1, result={"n": 1}), version="v2")
        return Failed("no", attempt(at, 2, Outcome.FAILED, error="no")), "v2"

    (run,) = await give(journal, new_run(at, order_key="k"))
    async with working(journal, handler):
        await settled(journal, run)
    return run


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())
