"""One round: a fresh server and a fresh destination, one load, and what came of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Final
from urllib.request import urlopen

import uvloop
from pydantic_core import from_json

from bench.processes import Server, Subject, destination
from bench.senders import Load, Times
from bench.traffic import requests

WARM_UP: Final = 2_000
_PATIENCE: Final = 20.0
_MEGABYTE: Final = 1_000_000
_MILLISECOND: Final = 1_000_000
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one round came to. `per_second` counts until the last delivery; memory is in megabytes.

    `accept` is from sending a call to its answer, `delivery` from sending it to its arrival at the destination.
    `lost` and `repeated` count accepted events that were delivered not at all, and more than once.
    """

    per_second: float
    accept: Latency
    delivery: Latency
    cpu_ms: float
    memory_before: float
    memory_after: float
    memory_peak: float
    accepted: int
    refused: int
    lost: int
    repeated: int


def play(subject: Subject, *, events: int, senders: int, rate: float | None = None) -> Result:
    """Start a subject, warm it up, send the load, and look at every id."""
    with destination() as target, subject(f"http://127.0.0.1:{target.port}{target.path}", senders) as server:
        _send(Load(requests(server.path, 0, WARM_UP)), server, target, senders)
        load = Load(requests(server.path, WARM_UP, events), rate)
        cpu = _cpu(server)
        with _watched(server) as memory:
            _send(load, server, target, senders)
            cpu = _cpu(server) - cpu
        return _result(load, _deliveries(target), cpu, memory)


def _send(load: Load, server: Server, target: Server, senders: int) -> None:
    """Send a load and wait for its deliveries; give up when none has come for a while: the ids will tell."""
    before = seen = _count(target)
    uvloop.run(load.send(server.port, senders))
    since = time.monotonic()
    while (count := _count(target)) < before + len(load.answered) and time.monotonic() < since + _PATIENCE:
        if count > seen:
            seen, since = count, time.monotonic()
        time.sleep(0.05)


def _result(load: Load, deliveries: Sequence[tuple[int, int]], cpu: float, memory: Sequence[float]) -> Result:
    times = Counter(id for id, _ in deliveries)
    arrived: Times = {id: at for id, at in deliveries if id in load.sent}
    seconds = (max(arrived.values()) - min(load.sent.values())) / _SECOND
    return Result(
        per_second=len(arrived) / seconds,
        accept=_latency(load.sent, load.answered),
        delivery=_latency(load.sent, arrived),
        cpu_ms=cpu * 1000 / len(arrived),
        memory_before=memory[0],
        memory_after=memory[-1],
        memory_peak=max(memory),
        accepted=len(load.answered),
        refused=load.refused,
        lost=len(load.answered) - len(arrived),
        repeated=sum(count > 1 for count in times.values()),
    )


def _latency(begun: Times, ended: Times) -> Latency:
    cuts = quantiles(((ended[id] - begun[id]) / _MILLISECOND for id in ended), n=100)
    return Latency(cuts[49], cuts[98])


@contextmanager
def _watched(server: Server) -> Iterator[list[float]]:
    """Look at the server's memory, in megabytes: now, ten times a second, and at the end."""
    sizes = [_memory(server)]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            sizes.append(_memory(server))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()
        sizes.append(_memory(server))


def _memory(server: Server) -> float:
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
