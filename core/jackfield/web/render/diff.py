"""What differs between two texts, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

_AROUND: Final = 3
"""How many lines that are the same are shown before and after one that is not."""


class Kind(StrEnum):
    """What became of a line."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    LEFT_OUT = "left_out"
    """Some lines that are the same in both, and are not shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its number in the older text, in the newer one, or in both. `text` of those left out is empty."""

    kind: Kind
    old: int | None
    new: int | None
    text: str = ""


def difference(old: str, new: str) -> list[Line]:
    """Compare two texts; an empty list if they are the same. Long texts that have little in common take long."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    lines: list[Line] = []
    matcher = SequenceMatcher(None, before, after)
    shown_to = 0
    for group in matcher.get_grouped_opcodes(_AROUND):
        if group[0][1] > shown_to:
            lines.append(Line(Kind.LEFT_OUT, None, None))
        for code in group:
            lines += _lines(code, before, after)
        shown_to = group[-1][2]
    if shown_to < len(before):
        lines.append(Line(Kind.LEFT_OUT, None, None))
    return lines


def _lines(code: tuple[str, int, int, int, int], before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    tag, old, old_end, new, new_end = code
    if tag == "equal":
        for offset in range(old_end - old):
            yield Line(Kind.SAME, old + offset + 1, new + offset + 1, before[old + offset])
        return
    for number in range(old, old_end):
        yield Line(Kind.REMOVED, number + 1, None, before[number])
    for number in range(new, new_end):
        yield Line(Kind.ADDED, None, number + 1, after[number])
