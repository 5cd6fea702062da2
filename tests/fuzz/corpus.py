"""The inputs of a target that stay in the repository, and what they may cost."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fuzz.targets import BETWEEN, TARGETS, Try

LARGEST: Final = 64 * 1024
"""Bytes of the largest input."""
MOST_GROWTH: Final = 50 * 1024 * 1024
"""Bytes by which one input may make the process grow."""

_TRIES: Final = 3
_PEAK_UNIT: Final = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts bytes on macOS, KiB on Linux


def folder(target: str) -> Path:
    """Return where a target's inputs are."""
    return Path(__file__).parent / "corpus" / target


def inputs(target: str) -> Iterator[bytes]:
    """Return a target's seeds and the inputs that fuzzing found, in a steady order."""
    yield from TARGETS[target].seeds
    for path in sorted(folder(target).glob("*")):
        yield path.read_bytes()


def keep(target: str, found: Path) -> int:
    """Put the files of a folder in place of a target's inputs; return how many there are."""
    kept = folder(target)
    kept.mkdir(parents=True, exist_ok=True)
    for old in kept.iterdir():
        old.unlink()
    for path in sorted(found.iterdir()):
        data = path.read_bytes()
        (kept / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return len(list(kept.iterdir()))


def grown(data: bytes) -> Iterator[bytes]:
    """Make long inputs out of a short one, so that what costs more than its length shows it.

    The whole is repeated, then its middle, and then each piece between `BETWEEN` by itself.
    """
    if not data:
        return
    yield (data * (LARGEST // len(data)))[:LARGEST]
    third = len(data) // 3
    if middle := data[third : len(data) - third]:
        room = LARGEST - len(data)
        yield data[:third] + middle * (room // len(middle)) + data[len(data) - third :]
    pieces = data.split(BETWEEN)
    for index, piece in enumerate(pieces if len(pieces) > 1 else ()):
        if piece:
            longer = piece * ((LARGEST - len(data)) // len(piece))
            yield BETWEEN.join([*pieces[:index], longer, *pieces[index + 1 :]])


def complaint(attempt: Try, data: bytes, longest: float) -> str | None:
    """Try an input; say what is wrong with what it did, None if nothing is.

    `longest` is how many seconds of processor time it may take.
    """
    before = _peak()
    try:
        took = _cost(attempt, data)
        if took > longest:  # another try, for the machine may have been busy with something else
            took = min(_cost(attempt, data) for _ in range(_TRIES))
    except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
        return f"raised {error!r}"
    if took > longest:
        return f"took {took:.2f} s"
    more = _peak() - before
    return f"made the process grow by {more // 1024 // 1024} MB" if more > MOST_GROWTH else None


def _cost(attempt: Try, data: bytes) -> float:
    began = time.process_time()
    attempt(data)
    return time.process_time() - began


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
