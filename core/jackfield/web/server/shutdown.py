"""Sees to it that a host which has been told to end does end, whatever code of plugins still does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from types import FrameType
from typing import Final

from jackfield.runs.watchdog.last_resort import Deadline, within
from jackfield.runs.watchdog.stacks import module_of, place_of

_LAST: Final = timedelta(seconds=5)
"""For so long at most a plugin's threads may go on when all that the host does is over."""


def stopping_within(grace: timedelta, hang_limit: timedelta) -> AbstractContextManager[None]:
    """End the process if the block, in which the host stops, takes much longer than `grace`."""
    return within((grace + hang_limit).total_seconds(), _stopping)


def end_within(hang_limit: timedelta) -> None:
    """End the process if it does not end by itself, now that the host has stopped."""
    Deadline(min(hang_limit, _LAST).total_seconds(), _stopped)


def _stopping() -> tuple[str, Mapping[str, object]]:
    main = threading.main_thread()
    return "the process ends itself: it was told to stop, and something holds it up", _whereabouts([main])


def _stopped() -> tuple[str, Mapping[str, object]]:
    left = [thread for thread in threading.enumerate() if not thread.daemon]
    others = [thread for thread in left if thread is not threading.main_thread()]
    return "the process ends itself: the host has stopped, and a plugin's threads go on", _whereabouts(others or left)


def _whereabouts(threads: list[threading.Thread]) -> dict[str, object]:
    """Say which foreign modules the threads are in, and where."""
    frames = sys._current_frames()  # noqa: SLF001 - its documented name
    found = {thread.name: _foreign(frames.get(thread.ident or 0)) for thread in threads}
    modules = {module_of(frame) for frame in found.values() if frame is not None}
    places = [f"{name} at {place_of(frame)}" if frame else name for name, frame in found.items()]
    return {"plugin": ", ".join(sorted(modules)) or "unknown", "threads": "; ".join(places)}


def _foreign(frame: FrameType | None) -> FrameType | None:
    """Return the outermost frame that is neither the host's nor the standard library's."""
    found = None
    while frame is not None:
        package = module_of(frame).partition(".")[0]
        if package not in sys.stdlib_module_names and package not in {"jackfield", "uvloop", "typer", "click"}:
            found = frame
        frame = frame.f_back
    return found
