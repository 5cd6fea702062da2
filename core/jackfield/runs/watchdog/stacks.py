"""Tells whose code is on a thread's stack: an action's own, the host's, or a plugin's that the host has called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import FrameType
from typing import Final

HOST: Final = "jackfield"
_NOT_HOST: Final = "jackfield.testing"
"""What authors of plugins use: it counts as their own code."""
_LOOP: Final = frozenset(
    {
        ("asyncio.events", "_run"),
        ("asyncio.base_events", "_run_once"),
        ("asyncio.base_events", "run_forever"),
        ("asyncio.base_events", "run_until_complete"),
        ("asyncio.runners", "run"),
        ("jackfield.runs.watchdog.stepping", "stepped"),
        ("jackfield.runs.watchdog.watchdog", "_until_cancelled_twice"),
    }
)
"""Where that ends which the event loop has called: the loop's own functions, and those that resume actions."""


def own_root(frame: FrameType | None) -> FrameType | None:
    """Return the outermost frame of what the event loop has called, None if any of it is the host's code.

    Where the loop has called no Python code, it is the loop's own frame.
    """
    root = frame
    for one in _outwards(frame):
        if _is_loop(one):
            break
        if _is_host(module_of(one)):
            return None
        root = one
    return root


def plugin_root(frame: FrameType | None, packages: Collection[str]) -> FrameType | None:
    """Return the outermost frame of a plugin's code, whoever has called it; None if there is none.

    `packages` are the top-level packages of the plugins.
    """
    found = [one for one in _outwards(frame) if module_of(one).partition(".")[0] in packages]
    return found[-1] if found else None


def module_of(frame: FrameType) -> str:
    """Return the name of the module whose code this is."""
    return str(frame.f_globals.get("__name__", ""))


def place_of(frame: FrameType) -> str:
    """Say where in its code a frame is."""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_loop(frame: FrameType) -> bool:
    module = module_of(frame)
    return (module, frame.f_code.co_name) in _LOOP or module == "uvloop"


def _is_host(module: str) -> bool:
    inside = module == HOST or module.startswith(f"{HOST}.")
    return inside and not module.startswith(_NOT_HOST)
