"""A TOML file of the project folder, with what is needed to point at a place in it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from jackfield.errors import ConfigurationError
from jackfield.problems import KeyPath, Problem, dotted
from jackfield.project.file_reader import read_file

MEGABYTES: Final = 1
"""How many a file may have."""

_HEADER: Final = re.compile(r"\s*+\[(\[)?([^\[\]]++)\]\]?\s*+(?:#.*)?")
_NAME: Final = re.compile(r"""'([^']*)'|"([^"]*)"|([^.'"]+)""")
DEEPEST: Final = 100
"""How many tables and lists may stand within each other."""
_DEEP_KEY: Final = re.compile(
    r"""(?:^|[\[{,])[ \t]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)""" + f"{{{DEEPEST}}}", re.MULTILINE
)
"""What tomllib would take time for that grows with the square of its length, and more."""
_SYNTAX: Final = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class TomlFile:
    """One file: its name as people know it (relative to the project folder), its text and what that says."""

    name: str
    text: str
    data: dict[str, Any]

    @classmethod
    def read(cls, path: Path, name: str, megabytes: int = MEGABYTES) -> TomlFile:
        """Read a file; a byte order mark, which Windows' editors write, is passed over.

        Raises `ConfigurationError` if it cannot be read or is not TOML.
        """
        try:
            return cls.of(read_file(path, megabytes), name)
        except OSError as error:
            raise ConfigurationError([Problem(name, 0, "", f"cannot be read: {error.strerror}")]) from None

    @classmethod
    def read_if_any(cls, path: Path, name: str) -> TomlFile | None:
        """Read a file that need not be there. Raises as `read()` does."""
        return cls.read(path, name) if os.path.lexists(path) else None

    @classmethod
    def of(cls, content: bytes, name: str) -> TomlFile:
        """Read what is in a file. Raises `ConfigurationError` if it is not TOML."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise ConfigurationError([Problem(name, line, "", "is not UTF-8 text; save it as UTF-8")]) from None
        return cls.parse(text.replace("\r\n", "\n").replace("\r", "\n"), name)

    @classmethod
    def parse(cls, text: str, name: str) -> TomlFile:
        """Read a text; dates and times, which JSON does not have, become text as in ISO 8601.

        Raises `ConfigurationError` if it is not TOML.
        """
        try:
            data = _loaded(text)
            return cls(name, text, _without_dates(data))
        except tomllib.TOMLDecodeError as error:
            match = _SYNTAX.fullmatch(str(error))
            what = match["what"] if match else str(error)
            line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
            raise ConfigurationError([Problem(name, line, "", f"is not valid TOML: {what}")]) from None
        except RecursionError:
            message = f"has tables or lists more than {DEEPEST} deep; nothing needs that, so look for a mistake"
            raise ConfigurationError([Problem(name, 0, "", message)]) from None
        except ValueError:  # of int()
            message = "has a number of thousands of digits; put it in quotes if it is meant"
            raise ConfigurationError([Problem(name, 0, "", message)]) from None

    def problem(self, key: KeyPath, message: str) -> Problem:
        """Make a problem of a place in this file."""
        return Problem(self.name, self.line(key), dotted(key), message)

    def line(self, key: KeyPath) -> int:
        """Find the line that a key stands on, or that of the table which should have it; 0 if there is neither."""
        ends = range(len(key), -1, -1)
        return next((self._places[key[:end]] for end in ends if key[:end] in self._places), 0)

    @cached_property
    def _places(self) -> dict[KeyPath, int]:
        """The line that each table and key stands on first; made once, for a file may have thousands of mistakes."""
        found: dict[KeyPath, int] = {}
        header: KeyPath = ()
        tables: dict[tuple[str, ...], int] = {}
        for number, text in enumerate(self.text.split("\n"), 1):
            if match := _HEADER.fullmatch(text):
                header = _resolved(match[2], array=bool(match[1]), counts=tables)
                found.setdefault(header, number)
            elif name := _assigned(text):
                found.setdefault((*header, *name), number)
        return found


def _without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value  # a datetime is a date


def _loaded(text: str) -> dict[str, Any]:
    if _DEEP_KEY.search(text):
        raise RecursionError
    data = tomllib.loads(text)
    _check_depth(data, DEEPEST)
    return data


def _check_depth(value: Any, levels: int) -> None:
    """Raise RecursionError for tables or lists that are deeper, as tomllib does for those that are much deeper."""
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise RecursionError
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, levels - 1)


def _resolved(header: str, *, array: bool, counts: dict[tuple[str, ...], int]) -> KeyPath:
    """Turn a table header into a key path; every `[[name]]` seen so far makes the next index."""
    names = tuple(_names(header))
    if array:
        counts[names] = counts.get(names, -1) + 1
    path: list[str | int] = []
    for end, name in enumerate(names, 1):
        path.append(name)
        if names[:end] in counts:
            path.append(counts[names[:end]])
    return tuple(path)


def _assigned(line: str) -> Sequence[str]:
    key, equals, _ = line.partition("=")
    return _names(key) if equals and not key.lstrip().startswith("#") else ()


def _names(key: str) -> list[str]:
    parts = ("".join(match.groups("")).strip() for match in _NAME.finditer(key))
    return [part for part in parts if part]
