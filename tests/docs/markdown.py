"""Reads the documentation: its blocks of code, its commands, its links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / f"{name}.md" for name in ("README", "README.ru", "CONTRIBUTING", "CHANGELOG", "examples/README")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(jackfield [^`]+)`")
_ENDS = {"&&", "||", "|", ";"}


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code; `line` is where it begins."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(language: str | None = None, document: Path | None = None) -> list[Block]:
    """Find all blocks of a language, in one document or in all of them."""
    found = [block for path in ([document] if document else DOCUMENTS) for block in _blocks_of(path)]
    return [block for block in found if language in {None, block.language}]


def commands(document: Path) -> list[list[str]]:
    """Split the shell lines of a document, and what it quotes of the command line, into words."""
    text = document.read_text(encoding="utf-8")
    lines = [line for block in blocks("sh", document) for line in block.text.splitlines()]
    return [words for line in [*lines, *_INLINE.findall(_FENCE.sub("", text))] for words in _split(line)]


def links(document: Path) -> list[str]:
    """Find the targets of links."""
    return _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))


def anchors(document: Path) -> set[str]:
    """Name the headings, as links do."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _blocks_of(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(document, text.count("\n", 0, match.start()) + 1, match[1], match[2])


def _split(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in _ENDS:
            yield words
            words = []
        else:
            words.append(word)
    if words:
        yield words
