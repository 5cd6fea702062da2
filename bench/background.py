"""How long a webhook waits while 20,000 replays are under way or 200,000 retries are due at once.

`uv run python -m bench.background [--replays 20000] [--retries 200000] [--calls 400]`. Each part first measures calls
to a host that has nothing else to do, then to the same host at work, and once more when that work is on hold, with the
same senders at the same steady rate. The other runs are of a pipeline of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from rich.console import Console
from rich.table import Table

from bench.processes import Server, destination, project, served
from bench.senders import Load
from bench.traffic import requests

RATE: Final = 25.0
SENDERS: Final = 4
_REAL: Final = 500
_CALM: Final = 45.0
"""Seconds from the host's start until the retries are due: the calls before must fit in."""
_RUNS: Final = """
INSERT INTO run (seq, id, root, pipeline, version, state, received_at, due_at, finished_at, tries, error)
SELECT seq + :shift, lower(hex(randomblob(16))), id, 'work', version, :state, received_at, :due,
    CASE WHEN :state = 'failed' THEN finished_at END, :tries, 'no' FROM run WHERE seq <= :real
"""
_PAYLOADS: Final = """
INSERT INTO payload (seq, event, blank, request)
SELECT seq + :shift, event, blank, request FROM payload WHERE seq <= :real
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the moment when each call was due to its answer, and how many other runs ended meanwhile."""

    times: list[float]
    beside: int = 0

    @property
    def median(self) -> float:
        """Half of the calls took no longer."""
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        """99 of 100 took no longer."""
        return statistics.quantiles(self.times, n=100, method="inclusive")[98]


def main() -> None:
    """Measure both, and print what calls took before and meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=20_000)
    parser.add_argument("--retries", type=int, default=200_000)
    parser.add_argument("--calls", type=int, default=400)
    asked = parser.parse_args()
    table = Table("what", "median, ms", "p99", "longest", "runs beside", "median, times", "p99, times")
    if asked.replays:
        _show(table, f"{asked.replays:,} replays", *measure_replays(asked.replays, asked.calls))
    if asked.retries:
        _show(table, f"{asked.retries:,} retries due", *measure_retries(asked.retries, asked.calls))
    Console().print(table)


def measure_replays(number: int, calls: int) -> tuple[Latency, Latency]:
    """Measure calls before and while so many failed runs are replayed."""
    with _host(number, "failed") as (server, target, api):
        before = _latency(server, target, calls, first=1_000_000)
        job = api("/jobs", {"deed": "replay", "matching": {"state": ["failed"]}})["id"]
        while api(f"/jobs/{job}")["phase"] != "asked":
            time.sleep(0.1)
        api(f"/jobs/{job}/start", {})
        time.sleep(1.0)
        meanwhile = _latency(server, target, calls, first=2_000_000)
        if api(f"/jobs/{job}")["phase"] != "running":
            print("the replays were over before the calls were: take more replays, or fewer calls")
        api(f"/jobs/{job}/stop", {})
        after = _calm(server, target, api, calls)
    return Latency(before.times + after.times), meanwhile


def measure_retries(number: int, calls: int) -> tuple[Latency, Latency]:
    """Measure calls before and while so many retries are due at the same moment."""
    with _host(number, "waiting") as (server, target, api):
        before = _latency(server, target, min(calls, int(RATE * (_CALM - 25))), first=1_000_000)
        if api("/runs?state=queued&limit=1")["runs"]:
            print("the retries were due before the calls were over: the machine is too slow for so many")
        while not api("/runs?state=queued&limit=1")["runs"]:
            time.sleep(0.2)
        meanwhile = _latency(server, target, calls, first=2_000_000)
        if not api("/runs?state=waiting&limit=1")["runs"]:
            print("the retries were over before the calls were: take more retries, or fewer calls")
        after = _calm(server, target, api, calls)
    return Latency(before.times + after.times), meanwhile


def _calm(server: Server, target: Server, api: Callable[..., Any], calls: int) -> Latency:
    """Put the other work on hold, and measure calls again."""
    api("/pipelines/work/mode", {"mode": "held"}, "PUT")
    time.sleep(1.0)
    return _latency(server, target, calls, first=3_000_000)


@contextmanager
def _host(number: int, state: str) -> Iterator[tuple[Server, Server, Callable[..., Any]]]:
    """Start a host on a journal with so many runs in this state."""
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as name, destination() as target:
        folder = Path(name)
        port = project(folder, f"http://127.0.0.1:{target.port}{target.path}", 10)
        (pipeline,) = (folder / "pipelines").iterdir()
        shutil.copy(pipeline, folder / "pipelines" / "work.toml")
        with served(folder, port) as server:
            _send(server, requests(server.path, 0, _REAL), None)
            _until(lambda: _count(target) >= _REAL)
        _multiply(folder / "var" / "journal.db", number, state)
        with served(folder, port) as server:
            token = (folder / "var" / "api.token").read_text().strip()
            yield server, target, partial(_ask, port, token)


def _multiply(journal: Path, number: int, state: str) -> None:
    connection = sqlite3.connect(journal)
    due = 1 if state == "waiting" else None
    with connection:
        for batch in range(1, number // _REAL + 1):
            values = {"shift": batch * _REAL, "real": _REAL, "state": state, "due": due, "tries": int(due is not None)}
            connection.execute(_RUNS, values)
            connection.execute(_PAYLOADS, values)
    if due is not None:
        with connection:
            soon = int((time.time() + _CALM + number / 20_000) * 1e6)
            connection.execute("UPDATE run SET due_at = ? WHERE state = 'waiting'", (soon,))
    connection.close()


def _latency(server: Server, target: Server, calls: int, first: int) -> Latency:
    before = _count(target)
    times = _send(server, requests(server.path, first, calls), RATE)
    return Latency(times, max(_count(target) - before - calls, 0))


def _send(server: Server, calls: Iterator[tuple[int, bytes]], rate: float | None) -> list[float]:
    load = Load(calls, rate)
    asyncio.run(load.send(server.port, SENDERS))
    if load.refused:
        raise SystemExit(f"{load.refused} calls were refused")
    return [(load.answered[id] - sent) / 1e6 for id, sent in load.sent.items()]


def _count(target: Server) -> int:
    with urlopen(f"http://127.0.0.1:{target.port}/count") as answer:
        return int(answer.read())


def _ask(port: int, token: str, path: str, body: object = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    with urlopen(Request(f"http://127.0.0.1:{port}/api/v1{path}", data, headers, method=method)) as answer:
        return json.loads(answer.read() or b"null")


def _until(condition: Callable[[], bool]) -> None:
    for _ in itertools.takewhile(lambda _: not condition(), range(600)):
        time.sleep(0.1)


def _show(table: Table, what: str, before: Latency, meanwhile: Latency) -> None:
    table.add_row(f"{what}: before and after", *_figures(before), "", "", "")
    times = (meanwhile.median / before.median, meanwhile.p99 / before.p99)
    table.add_row("meanwhile", *_figures(meanwhile), str(meanwhile.beside), *(f"{one:.2f}" for one in times))


def _figures(latency: Latency) -> list[str]:
    return [f"{value:.1f}" for value in (latency.median, latency.p99, max(latency.times))]


if __name__ == "__main__":
    main()
