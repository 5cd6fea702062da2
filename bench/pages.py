"""How long the pages take with a large journal: `uv run python -m bench.pages --runs 1000000 --days 90`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from jackfield.access.users import Role, Users
from jackfield.journal.sqlite import SqliteJournal
from jackfield.journal.views import Query
from jackfield.logs import configure_logs
from jackfield.project.settings import Project
from jackfield.web.server.serving import Served, serving

REAL: Final = 1000
RARE: Final = 777
PASSWORD: Final = "a password for a minute"
TIMES: Final = 20
_TOKEN: Final = re.compile(r'name="csrf" value="([^"]+)"')
_PIPELINE: Final = """\
title = "GetCourse → CRM"
[source]
use = "getcourse.user_created"
[[steps]]
use = "compose.json"
value = { email = "{{ $.event.email }}", name = "{{ $.event.first_name }}" }
[[steps]]
use = "filter"
keep_when = "{{ $.event.id | int % 50 != 0 }}"
"""
_AGE: Final = (
    "UPDATE run SET received_at = received_at - :age, finished_at = finished_at - :age",
    "UPDATE attempt SET started_at = started_at - :age",
)
_RUNS: Final = """
INSERT INTO run (seq, id, root, pipeline, version, state, received_at, finished_at, tries, error)
SELECT seq + :shift, lower(hex(randomblob(16))), id, pipeline, version, state, received_at + :later,
    finished_at + :later, tries, error FROM run WHERE seq <= :real
"""
_PAYLOADS: Final = """
INSERT INTO payload (seq, event, blank, request)
SELECT seq + :shift, event, blank, request FROM payload WHERE seq <= :real
"""
_ATTEMPTS: Final = """
INSERT INTO attempt (run, place, step, number, started_at, elapsed_ms, outcome, error, traceback, result, masked,
    exchanges)
SELECT run + :shift, place, step, number, started_at + :later, elapsed_ms, outcome, error, traceback, result, masked,
    exchanges FROM attempt WHERE run <= :real
"""


def main() -> None:
    """Fill a journal, open every page some times, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="how many, in thousands")
    parser.add_argument("--days", type=float, default=90, help="over how long a time they came in")
    asked = parser.parse_args()
    configure_logs(level="error", json=False, mask=str)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), asked.runs, timedelta(days=asked.days)))


async def _measure(folder: Path, runs: int, span: timedelta) -> None:
    (folder / "pipelines").mkdir()
    (folder / "jackfield.toml").write_text('[server]\nport = 0\n[journal]\nkeep = { size = "100 GB" }\n', "utf-8")
    for name in ("new-student", "new-order"):
        (folder / "pipelines" / f"{name}.toml").write_text(_PIPELINE, encoding="utf-8")
    project = Project.load(folder, os.environ)
    async with serving(project, os.environ) as served:
        await _fill(served)
    _multiply(project.journal_file, runs, span)
    Users(project.var).add("operator", PASSWORD, Role.OPERATOR)
    async with serving(project, os.environ) as served:
        await _indexed(served)
        _print(await _times(served), f"{runs:,} runs within {span.days} days in the journal")


async def _indexed(served: Served) -> None:
    journal = served.host.journal
    if isinstance(journal, SqliteJournal):
        await journal.indexed()


async def _fill(served: Served) -> None:
    addresses = served.host.addresses
    async with httpx.AsyncClient(base_url=served.url) as client:
        for number in range(REAL):
            path = addresses.path(("new-student", "new-order")[number % 2], 1)
            name = "Мирослава" if number == RARE else "Анна"
            query = {"id": str(number), "email": f"anna{number}@example.ru", "first_name": name}
            (await client.get(path, params=query)).raise_for_status()
    while any((await served.host.journal.backlog()).states.values()):  # noqa: ASYNC110 - the journal has no event
        await asyncio.sleep(0.1)


def _multiply(journal: Path, runs: int, span: timedelta) -> None:
    """Put the real runs back in time, and copy them until now, a batch after the other."""
    batches = runs // REAL
    step = span // timedelta(microseconds=1) // batches
    connection = sqlite3.connect(journal)
    with connection:
        for statement in _AGE:
            connection.execute(statement, {"age": (batches - 1) * step})
    for batch in range(1, batches):
        values = {"shift": batch * REAL, "later": batch * step, "real": REAL}
        with connection:
            for statement in (_RUNS, _PAYLOADS, _ATTEMPTS):
                connection.execute(statement, values)
    connection.close()


async def _times(served: Served) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        await _log_in(client)
        page = await served.host.journal.search(Query(limit=1))
        for path in _paths(page.runs[0].id):
            for _ in range(TIMES):
                began = time.perf_counter()
                answer = await client.get(path)
                found.setdefault(path, []).append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
    return found


async def _log_in(client: httpx.AsyncClient) -> None:
    token = _TOKEN.search((await client.get("/login")).text)
    form = {"csrf": token[1] if token else "", "name": "operator", "password": PASSWORD}
    answer = await client.post("/login", data=form)
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise SystemExit(f"cannot log in: {answer.status_code}")


def _paths(run: str) -> Sequence[str]:
    return [
        "/",
        "/pipelines/new-student",
        "/pipelines/new-student/versions",
        "/runs",
        "/runs?pipeline=new-student&state=skipped",
        "/runs?text=anna77",
        "/runs?text=example.ru",
        "/runs?text=Анна",
        "/runs?text=МИРОСЛАВА",
        "/runs?text=Анна&pipeline=new-student",
        "/runs?text=Мирослава&pipeline=new-student",
        "/runs?text=Мирослава&state=skipped",
        "/runs?text=anna777@example.com",
        "/runs?text=ан",
        "/runs?text=ъь",
        f"/runs/{run}",
        "/refused",
        "/plugins",
        "/health",
    ]


def _print(times: dict[str, list[float]], journal: str) -> None:
    table = Table(title=f"milliseconds from request to answer, {journal}", title_justify="left")
    for column in ("page", "median", "slowest"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for path, took in times.items():
        table.add_row(path, f"{statistics.median(took):.1f}", f"{max(took):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
