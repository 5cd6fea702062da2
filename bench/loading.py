"""What many pipelines cost: `uv run python -m bench.loading --pipelines 1000`.

Starts `jackfield serve` on a project with that many pipelines, each with templates of its own, and says when it is
ready. Then one caller calls every 20 ms, while nothing happens, while one file is touched, while all are changed, and
while a secret is; for each it prints how long a call waited, and how much processor time the host took.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from bench.processes import free_port
from jackfield.project.server_keys import Addresses

_EVERY: Final = 0.02
_QUIET: Final = 5.0
_PIPELINE: Final = """\
title = "GetCourse → CRM {number}"
[source]
use = "getcourse.user_created"
dedupe = "{{{{ $.event.id }}}}"
[[steps]]
use = "compose.json"
name = "who"
value = {{ email = "{{{{ $.event.email }}}}", name = "{{{{ $.event.first_name }}}} {number}" }}
[[steps]]
use = "filter"
keep_when = "{{{{ $.event.id | int % {number} == 0 }}}}"
[[steps]]
use = "http_request"
url = "https://crm.example.com/lists/{number}/contacts"
headers = {{ X-Token = "{{{{ secret.CRM_TOKEN }}}}" }}
json = {{ phone = "{{{{ $.event.phone_{number} | default('') | replace(' ', '') }}}}", who = "{{{{ $.steps.who }}}}" }}
"""


@dataclass(frozen=True, slots=True)
class _Host:
    folder: Path
    process: psutil.Process
    url: str
    ready: float
    cpu: float


def main() -> None:
    """Start the host, call it while files change, and print what a call waited."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as name, _host(Path(name), asked.pipelines) as host:
        Console().print(
            f"{asked.pipelines} pipelines: ready after {host.ready:.1f} s, {host.cpu:.1f} s of processor time"
        )
        asyncio.run(_measure(host))


@contextmanager
def _host(folder: Path, pipelines: int) -> Iterator[_Host]:
    port = free_port()
    (folder / "pipelines").mkdir()
    (folder / "jackfield.toml").write_text(f"[server]\nport = {port}\n", encoding="utf-8")
    _set_secret(folder, "the first token")
    for number in range(1, pipelines + 1):
        (folder / "pipelines" / f"p{number}.toml").write_text(_PIPELINE.format(number=number), encoding="utf-8")
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("jackfield")), "serve", "--project", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        process = psutil.Process(started.pid)
        try:
            _until_ready(f"http://127.0.0.1:{port}/readyz")
            ready = time.perf_counter() - began
            url = f"http://127.0.0.1:{port}{Addresses.load(folder / 'var').path('p1', 1)}"
            yield _Host(folder, process, url, ready, _cpu(process))
        finally:
            started.terminate()


def _until_ready(url: str) -> None:
    for _ in range(6000):
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise SystemExit("the host does not get ready")


async def _measure(host: _Host) -> None:
    files = sorted((host.folder / "pipelines").iterdir())
    deeds: dict[str, Callable[[], None]] = {
        "nothing": lambda: None,
        "one file touched": lambda: _touch(files[:1]),
        "one file changed": lambda: _change(files[:1]),
        "all files touched": lambda: _touch(files),
        "all files changed": lambda: _change(files),
        "a secret changed": lambda: _set_secret(host.folder, "the second token"),
    }
    table = Table(title="milliseconds that a call waited while ...", title_justify="left")
    for column in ("what happened", "calls", "median", "99 %", "longest", "processor, s"):
        table.add_column(column, justify="left" if column == "what happened" else "right")
    for what, deed in deeds.items():
        cpu = _cpu(host.process)
        waited = await _calls(host.url, deed)
        figures = statistics.median(waited), statistics.quantiles(waited, n=100)[98], max(waited)
        used = _cpu(host.process) - cpu
        table.add_row(what, str(len(waited)), *(f"{one:.1f}" for one in figures), f"{used:.1f}")
    Console().print(table)


async def _calls(url: str, deed: Callable[[], None]) -> list[float]:
    """Call every 20 ms, whether or not the last call was answered, from a second before the deed until long after."""
    waited: list[float] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def call(number: int) -> None:
            began = time.perf_counter()
            (await client.get(url, params={"id": str(number), "email": "a@example.ru"})).raise_for_status()
            waited.append((time.perf_counter() - began) * 1000)

        calls: list[Awaitable[None]] = []
        began = time.perf_counter()
        done = False
        while (now := time.perf_counter() - began) < 1 + _QUIET + 5 * done:
            if now > 1 and not done:
                await asyncio.to_thread(deed)
                done = True
            calls.append(asyncio.ensure_future(call(len(calls))))
            await asyncio.sleep(_EVERY)
        await asyncio.gather(*calls)
    return waited


def _touch(files: Sequence[Path]) -> None:
    for file in files:
        file.touch()


def _change(files: Sequence[Path]) -> None:
    for file in files:
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("GetCourse", "New: GetCourse", 1), encoding="utf-8")


def _set_secret(folder: Path, value: str) -> None:
    file = folder / "secrets.toml"
    file.touch(mode=0o600)
    file.write_text(f'CRM_TOKEN = "{value}"\n', encoding="utf-8")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
