"""Named secrets.

A secret comes from `secrets.toml` in the project folder (`NAME = "value"`) or from the environment variable
`JACKFIELD_SECRET_NAME`, which wins. Templates say `{{ secret.NAME }}`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jackfield.errors import ConfigurationError
from jackfield.masking import SHORTEST_SECRET
from jackfield.problems import Problem
from jackfield.project.toml_file import TomlFile

SECRETS_FILE: Final = "secrets.toml"
ENVIRONMENT_PREFIX: Final = "JACKFIELD_SECRET_"
SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LIKELY_SECRET: Final = re.compile(
    r"(token|secret|password|passwd|pwd|authorization|(^|[_.\-\[]|api|access|auth|private)(key|pass))\]?$",
    re.IGNORECASE,
)
"""What is searched for in a name to guess that a credential stands behind it, where nothing says so."""

_NAME_RULE: Final = "a secret's name has only Latin letters, digits and underscores, and no digit in front"
"""What is shorter occurs by chance as well."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Secrets(Mapping[str, str]):
    """The project's secrets by name. `warnings` are what an operator should see but nothing is stopped for."""

    _values: Mapping[str, str]
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str]) -> Secrets:
        """Read the secrets of a project folder; that there are none is no mistake.

        Raises `ConfigurationError` with every mistake found. No message contains a value.
        """
        path = folder / SECRETS_FILE
        file = TomlFile.read_if_any(path, SECRETS_FILE)
        problems = list(file_problems(file)) if file else []
        overriding = {
            key.removeprefix(ENVIRONMENT_PREFIX): value
            for key, value in environ.items()
            if key.startswith(ENVIRONMENT_PREFIX)
        }
        misnamed = [name for name in overriding if not SECRET_NAME.fullmatch(name)]
        problems += [Problem("environment", 0, ENVIRONMENT_PREFIX + name, _NAME_RULE) for name in misnamed]
        if problems:
            raise ConfigurationError(problems)
        values: dict[str, str] = (file.data if file else {}) | overriding
        warnings = (*(_openness(path) if file else ()), *_short(values))
        return cls(values, warnings)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"


def file_problems(file: TomlFile) -> Iterator[Problem]:
    """Find what is wrong with a file of secrets. No message contains a value."""
    for name, value in file.data.items():
        if not SECRET_NAME.fullmatch(name):
            yield file.problem((name,), _NAME_RULE)
        if isinstance(value, dict):
            yield file.problem((name,), 'is a table: write every secret at the top, as NAME = "value"')
        elif not isinstance(value, str):
            yield file.problem((name,), 'is not text: put the value in quotes, as in NAME = "value"')


def _openness(path: Path) -> tuple[Problem, ...]:
    mode = stat.S_IMODE(path.stat().st_mode)
    message = f"others on this machine may open it (mode {mode:04o}): run `chmod 600 {SECRETS_FILE}`"
    return (Problem(SECRETS_FILE, 0, "", message),) if mode & _OTHERS else ()


def _short(values: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in values.items():
        if len(value) < SHORTEST_SECRET:
            message = (
                f"has fewer than {SHORTEST_SECRET} characters and is not masked: "
                "it would hide other words; use a longer one"
            )
            yield Problem(SECRETS_FILE, 0, name, message)
