"""One round: a fresh server and a fresh destination, one load, and what came of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Final
from urllib.request import urlopen

import psutil
import uvloop
from pydantic_core import from_json

from bench.processes import Server, Subject, destination
from bench.senders import Load, Times
from bench.traffic import requests

WARM_UP: Final = 2_000
_PATIENCE: Final = 20.0
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one round came to. `per_second` counts until the last delivery; sizes are in megabytes.

    `accept` is from sending a call to its answer, `delivery` from sending it to its arrival at the destination.
    `lost` and `repeated` count accepted events that were delivered not at all, and more than once.
    """

    per_second: float
    accept: Latency
    delivery: Latency
    cpu_ms: float
    rss_before: float
    rss_after: float
    rss_peak: float
    refused: int
    lost: int
    repeated: int


def play(subject: Subject, *, events: int, senders: int, rate: float | None = None) -> Result:
    """Start a subject, warm it up, send the load, and look at every id."""
    with destination() as target, subject(f"http://127.0.0.1:{target.port}{target.path}", senders) as server:
        _send(server, target, Load(requests(server.path, 0, WARM_UP)), senders)
        rss_before, cpu_before = _rss(server), _cpu(server)
        load = Load(requests(server.path, WARM_UP, events), rate)
        with _watched(server) as sizes:
            _send(server, target, load, senders)
            cpu = _cpu(server) - cpu_before
        return _result(load, _deliveries(target), cpu, rss_before, sizes)


def _send(server: Server, target: Server, load: Load, senders: int) -> None:
    """Send a load and wait for the deliveries; when none comes any more, the count of ids says what is missing."""
    before = _count(target)
    uvloop.run(load.send(server.port, senders))
    seen, since = before, time.monotonic()
    while (count := _count(target)) < before + len(load.answered) and time.monotonic() < since + _PATIENCE:
        if count > seen:
            seen, since = count, time.monotonic()
        time.sleep(0.05)


def _result(load: Load, deliveries: Sequence[tuple[int, int]], cpu: float, rss_before: float, sizes: Sequence[float]) -> Result:
    times = Counter(id for id, _ in deliveries)
    arrived: Times = {id: at for id, at in deliveries if id in load.sent}
    seconds = (max(arrived.values()) - min(load.sent.values())) / 1e9
    return Result(
        per_second=len(arrived) / seconds,
        accept=_latency(load.sent, load.answered),
        delivery=_latency(load.sent, arrived),
        cpu_ms=cpu * 1000 / len(arrived),
        rss_before=rss_before,
        rss_after=sizes[-1],
        rss_peak=max(sizes),
        refused=load.refused,
        lost=len(load.answered) - len(arrived),
        repeated=sum(count > 1 for count in times.values()),
    )


def _latency(begun: Times, ended: Times) -> Latency:
    cuts = quantiles(((ended[id] - begun[id]) / 1e6 for id in ended), n=100)
    return Latency(cuts[49], cuts[98])


@contextmanager
def _watched(server: Server) -> Iterator[list[float]]:
    """Look at the server's memory ten times a second, and once more at the end."""
    sizes: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            sizes.append(_rss(server))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()
        sizes.append(_rss(server))


def _rss(server: Server) -> float:
    size: int = server.process.memory_info().rss
    return size / _MEGABYTE


def _cpu(server: Server) -> float:
    times = server.process.cpu_times()
    seconds: float = times.user + times.system
    return seconds


def _count(target: Server) -> int:
    count: int = from_json(_fetched(target, "count"))
    return count


def _deliveries(target: Server) -> list[tuple[int, int]]:
    return [(id, at) for id, at in from_json(_fetched(target, "deliveries"))]


def _fetched(target: Server, name: str) -> bytes:
    with urlopen(f"http://127.0.0.1:{target.port}/{name}", timeout=30) as answer:
        body: bytes = answer.read()
    return body
