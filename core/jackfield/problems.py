"""A mistake in the project folder: in which file, at which line and key, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to one value of a file."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in the project folder: in which file, at which line and key, and what to do.

    `file` is relative to the project folder; `line` counts from 1, 0 where it is not known; `key` is the
    full path of the key (`steps[0].url`), empty for the file as a whole.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"

    def masked(self, mask: Callable[[str], str]) -> Problem:
        """Return it without what the mask hides."""
        return replace(self, key=mask(self.key), message=mask(self.message))


def dotted(key: Iterable[str | int]) -> str:
    """Write a key path as people do: `steps[0].headers.X-Token`."""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return words.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """End a message with the closest known word, or with all of them if there are few; else with nothing."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known: {', '.join(words)}" if 0 < len(words) <= 12 else ""  # noqa: PLR2004
