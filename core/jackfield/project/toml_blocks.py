"""The blocks of a TOML text that begin with one array header, such as `[[steps]]`: moved, copied, put in, taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table, Whitespace

from jackfield.project.toml_edit import CannotEdit

_MARK: Final = "#\x7fhere\n"  # no TOML has this character
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines from a header, and the comment over it, to the next one; `gap` is the empty lines at the end."""

    own: bool
    lines: str
    gap: str


@dataclass(frozen=True, slots=True)
class TomlBlocks:
    """A text in blocks. A comment directly above a header belongs to it."""

    name: str
    blocks: tuple[_Block, ...]

    @classmethod
    def of(cls, text: str, name: str) -> TomlBlocks:
        """Take a text apart. Raises `CannotEdit` if it cannot be."""
        lines = _lines(text)
        starts = _starts(text, name)
        cuts = [(_with_comment(lines, line), own) for line, own in starts]
        edges = [(0, False), *cuts] if not cuts or cuts[0][0] > 0 else cuts
        ends = [*(line for line, _ in edges[1:]), len(lines)]
        return cls(name, tuple(_block("".join(lines[at:end]), own) for (at, own), end in zip(edges, ends, strict=True)))

    @property
    def text(self) -> str:
        """The text again."""
        return "".join(block.lines + block.gap for block in self.blocks)

    def moved(self, index: int, by: int) -> TomlBlocks:
        """Let a block change places with another one; beyond the first or the last, nothing happens."""
        own = self._own()
        if not 0 <= index + by < len(own):
            return self
        here, there = own[index], own[index + by]
        blocks = list(self.blocks)
        blocks[here] = replace(self.blocks[here], lines=self.blocks[there].lines)
        blocks[there] = replace(self.blocks[there], lines=self.blocks[here].lines)
        return replace(self, blocks=tuple(blocks))

    def without(self, index: int) -> TomlBlocks:
        """Take a block out."""
        at = self._own()[index]
        blocks = list(self.blocks)
        gone = blocks.pop(at)
        if at == len(blocks) and blocks:
            blocks[-1] = replace(blocks[-1], gap=gone.gap)
        return replace(self, blocks=tuple(blocks))

    def with_block(self, after: int | None, lines: str) -> TomlBlocks:
        """Put a block in behind another one, or at the end, with an empty line in between."""
        own = self._own()
        at = (own[after] if after is not None else own[-1] if own else len(self.blocks) - 1) + 1
        blocks = list(self.blocks)
        before = blocks[at - 1] if blocks else _Block(own=False, lines="", gap="")
        if blocks and before.lines:
            blocks[at - 1] = replace(before, lines=_ended(before.lines), gap="\n")
        gap = (before.gap or "\n") if at < len(blocks) else ""
        blocks.insert(at, _Block(own=True, lines=_ended(lines), gap=gap))
        return replace(self, blocks=tuple(blocks))

    def copied(self, index: int, change: Callable[[str], str]) -> TomlBlocks:
        """Put a copy of a block behind it, changed by a function of its text."""
        return self.with_block(index, change(self.blocks[self._own()[index]].lines))

    def _own(self) -> Sequence[int]:
        return [at for at, block in enumerate(self.blocks) if block.own]


def _starts(text: str, name: str) -> list[tuple[int, bool]]:
    """Find the lines of all headers of the top, from 0; whether each is one of ours."""
    try:
        document = tomlkit.parse(text if text.endswith("\n") else f"{text}\n")
    except TOMLKitError as error:
        raise CannotEdit(f"the file cannot be changed by a form: {error}") from None
    for _, item in document.body:
        for table in item.body if isinstance(item, AoT) else [item]:
            if isinstance(table, Table) and not table.is_super_table():
                table.value.body.insert(0, (None, Whitespace(_MARK)))
    if not isinstance(document.get(name, None), AoT | None):
        raise CannotEdit(f"{name} is written as a list in one value; edit it as TOML")
    marked = _lines(document.as_string())
    lines = [at - seen - 1 for seen, at in enumerate(at for at, line in enumerate(marked) if line == _MARK)]
    plain = _lines(text)
    header = re.compile(rf"\s*\[\[\s*[\"']?{name}[\"']?\s*\]\].*")
    return [(line, bool(header.fullmatch(plain[line].rstrip("\n")))) for line in lines]


def _lines(text: str) -> list[str]:
    """Part a text where TOML ends lines; Python would do so at U+2028 and others as well, which a comment may have."""
    return _LINE.findall(text)


def _with_comment(lines: Sequence[str], at: int) -> int:
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


def _block(text: str, own: Any) -> _Block:
    lines = text.rstrip("\n")
    ended = lines + ("\n" if len(lines) < len(text) else "")
    return _Block(bool(own), ended, text[len(ended) :])


def _ended(lines: str) -> str:
    return lines if lines.endswith("\n") else f"{lines}\n"
