"""Fuzz what strangers can reach: `python -m tests.fuzz [TARGET…] [--minutes 10]`.

Each target is fuzzed by coverage, then all that was found is tried again in a process without instruments: as it is,
and grown to 64 KB. A crash, an input that takes over 100 ms and growth over 50 MB are failures, and are printed with
the file that has the input. Inputs that reach new code are kept in `tests/fuzz/corpus`. The target `api` calls a host.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.fuzz.api import fuzz_api
from tests.fuzz.corpus import LARGEST, complaint, folder, grown, inputs, keep
from tests.fuzz.targets import TARGETS

_API: Final = "api"
_KEPT_LENGTH: Final = 2048  # what is kept stays small: `grown` makes it long again
_SHOWN: Final = 10


def fuzz(target: str, minutes: float, work: Path) -> str:
    """Fuzz one target in a process of its own, keep what it found, and say what came of it."""
    found, merged = work / "found", work / "merged"
    for place in (found, merged, folder(target)):
        place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[target].seeds):
        (found / f"seed-{number}").write_bytes(seed)
    words = work / "words"
    words.write_text("\n".join(_quoted(word) for word in TARGETS[target].words), encoding="ascii")
    log = work / "log"
    limits = (f"-max_total_time={round(minutes * 60)}", f"-max_len={LARGEST}", "-timeout=20", "-rss_limit_mb=4096")
    places = (f"-dict={words}", f"-artifact_prefix={work}/", str(found), str(folder(target)))
    if _worker(target, log, *limits, *places):
        return f"{target}: FAILED, see {log} and the input beside it"
    _worker(target, log, "-merge=1", f"-max_len={_KEPT_LENGTH}", str(merged), str(folder(target)), str(found))
    uninstrumented = [sys.executable, "-m", "tests.fuzz", target, "--replay", str(found)]
    tried = subprocess.run(uninstrumented, check=False, capture_output=True, text=True)
    return f"{target}: {keep(target, merged)} inputs kept\n{tried.stdout}{tried.stderr[-2000:]}".rstrip()


def replay(target: str, more: Path) -> int:
    """Try all inputs of a target, and what grows of them; print what is wrong and return how many there are."""
    attempt, longest = TARGETS[target].prepare(), TARGETS[target].longest
    attempt(TARGETS[target].seeds[0])
    mistakes = 0
    found = (path.read_bytes() for path in sorted(more.iterdir()))
    for tried in (one for data in (*inputs(target), *found) for one in (data, *grown(data))):
        if message := complaint(attempt, tried, longest):
            mistakes += 1
            if mistakes <= _SHOWN:
                print(f"{target}: an input of {len(tried)} bytes {message}: {_written(target, tried)}")
    if mistakes > _SHOWN:
        print(f"{target}: and {mistakes - _SHOWN} more")
    return mistakes


def _written(target: str, data: bytes) -> str:
    with tempfile.NamedTemporaryFile(prefix=f"{target}-", delete=False) as file:
        file.write(data)
    return file.name


def _worker(target: str, log: Path, *options: str) -> int:
    command = [sys.executable, "-m", "tests.fuzz.worker", target, *options]
    with log.open("ab") as output:
        return subprocess.run(command, check=False, stdout=output, stderr=output).returncode


def _quoted(word: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def main() -> int:
    """Run the command; the status is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz what strangers can reach.")
    parser.add_argument("target", nargs="*", choices=[[], *TARGETS, _API], help="all of them if none is named")
    parser.add_argument("--minutes", type=float, default=10, help="for each target")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="only try what is in a folder, and what is kept")
    chosen = parser.parse_args()
    targets = chosen.target or [*TARGETS, _API]
    if chosen.replay is not None:
        return min(1, sum(replay(target, chosen.replay) for target in targets))
    work = Path(tempfile.mkdtemp(prefix="fuzz-"))

    def campaign(target: str) -> str:
        return fuzz_api(chosen.minutes) if target == _API else fuzz(target, chosen.minutes, work / target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reports = list(pool.map(campaign, targets))
    print("\n".join(reports))
    return int(any("FAILED" in report or " an input of " in report for report in reports))


if __name__ == "__main__":
    sys.exit(main())
