"""The words of a command that was copied out of a browser or a page: quoting as sh, bash and Windows' cmd have it."""

from __future__ import annotations

import re
import shlex
from typing import Final

_CMD_OR_QUOTED: Final = re.compile(
    r"""(?P<cmd>\^\r?\n|\^") | '[^']*' | "(?:\\.|[^"\\])*" | \$'(?:\\.|[^'\\])*' | \\.""", re.DOTALL | re.VERBOSE
)
_PIECE: Final = re.compile(
    r"""'[^']*' | "(?P<double>(?:\\.|[^"\\])*)" | \$'(?P<ansi>(?:\\.|[^'\\])*)' | (?P<joined>\\\r?\n) | \\.""",
    re.DOTALL | re.VERBOSE,
)
_ANSI: Final = re.compile(
    r"(?P<bytes>(?:\\x[0-9A-Fa-f]{1,2})+)|\\u(?P<u>[0-9A-Fa-f]{1,4})|\\U(?P<U>[0-9A-Fa-f]{1,8})"
    r"|\\(?P<octal>[0-7]{1,3})|\\(?P<other>.)",
    re.DOTALL,
)
_NAMED: Final = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def split_words(text: str) -> list[str]:
    r"""Split a command into words: '...', "...", $'...', lines that go on after `\` or `^`. Expands no variables.

    Raises ValueError if a quotation does not end.
    """
    if any(match["cmd"] for match in _CMD_OR_QUOTED.finditer(text)):
        text = re.sub(r"\^\r?\n", " ", text)
        text = re.sub(r"\^(.)", r"\1", text, flags=re.DOTALL)
    return shlex.split(_PIECE.sub(_plain, text))


def _plain(match: re.Match[str]) -> str:
    """Write what shlex does not know in a way that it does."""
    if match["joined"]:
        return " "
    if match["ansi"] is not None:
        text = _ANSI.sub(_unescaped, match["ansi"])
        return shlex.quote(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    if match["double"] is not None:
        inner = re.sub(r"\\(\r?\n|[$`\\\"])", _kept, match["double"], flags=re.DOTALL)
        return f'"{inner}"'
    return match[0]


def _kept(match: re.Match[str]) -> str:
    escaped = match[1]
    if escaped.endswith("\n"):
        return ""
    return match[0] if escaped in '\\"' else escaped


def _unescaped(match: re.Match[str]) -> str:
    if match["bytes"]:
        return bytes.fromhex("".join(part.zfill(2) for part in match["bytes"][2:].split("\\x"))).decode(
            errors="replace"
        )
    if number := match["u"] or match["U"]:
        return chr(min(int(number, 16), 0x10FFFF))
    if match["octal"]:
        return chr(int(match["octal"], 8) & 0xFF)
    return _NAMED.get(match["other"], match["other"] if match["other"] in "\\'\"?" else match[0])
