"""A small JSON file in `var/` that the host and the command line both read and change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from jackfield.errors import ConfigurationError
from jackfield.problems import Problem
from jackfield.project.files import locked, replace_file

Rows = Sequence[Mapping[str, Any]]
_LOCK: Final = ".lock"


class VarFile:
    """Rows under one key. Only the owner of the host may open the file, and it is replaced as a whole."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def stamp(self) -> tuple[int, int, int] | None:
        """Tell the file apart from what it was; None if there is none."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def read(self) -> Rows:
        """Return the rows, none if there is no file. Raises `ConfigurationError` if it is damaged."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))[self._key]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            raise self.damaged() from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.damaged()
        return rows

    def damaged(self) -> ConfigurationError:
        """Say that the file does not hold what it should."""
        message = f"is damaged; put its copy back, or delete it and make the {self._key} anew"
        return ConfigurationError([Problem(f"{self._path.parent.name}/{self._path.name}", 0, "", message)])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from changing the file during the block."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._path.with_suffix(_LOCK)):
            yield

    def write(self, rows: Rows) -> None:
        """Put these rows in place of all that are there: wholly, or not at all. Call it in a block of `locked()`."""
        replace_file(self._path, json.dumps({self._key: rows}, ensure_ascii=False, indent=1).encode())
