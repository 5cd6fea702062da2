"""Named secrets, and the mask that keeps their values out of whatever is written or shown.

A secret comes from `secrets.toml` in the project folder (`NAME = "value"`) or from the environment variable
`JACKFIELD_SECRET_NAME`, which wins. Templates say `{{ secret.NAME }}`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jackfield.errors import ConfigurationError, Problem
from jackfield.tomlfile import TomlFile

SECRETS_FILE: Final = "secrets.toml"
ENVIRONMENT_PREFIX: Final = "JACKFIELD_SECRET_"
MASKED: Final = "***"

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME_RULE: Final = "a secret's name has only Latin letters, digits and underscores, and no digit in front"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_NEVER_ENCODED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_SHORT_ESCAPES: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_LAST_OF_LATIN_1: Final = 0xFF


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
        file = TomlFile.read(path, SECRETS_FILE) if path.exists() else None
        problems = list(_file_problems(file)) if file else []
        overriding = {
            key.removeprefix(ENVIRONMENT_PREFIX): value
            for key, value in environ.items()
            if key.startswith(ENVIRONMENT_PREFIX)
        }
        misnamed = [name for name in overriding if not _NAME.fullmatch(name)]
        problems += [Problem("environment", 0, ENVIRONMENT_PREFIX + name, _NAME_RULE) for name in misnamed]
        if problems:
            raise ConfigurationError(problems)
        return cls((file.data if file else {}) | overriding, _openness(path) if file else ())

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"


class Mask:
    """Replaces secret values in text by `***`.

    A value is found as it is, percent-encoded (whichever characters the encoder left alone, `+` for a space, both
    cases of the hex digits), and escaped as JSON or Python's `repr()` do it; where values overlap, the longest goes
    first. Other encodings (base64, a hash) are not found. Empty values are ignored. `values` are those that are hidden.
    """

    __slots__ = ("_pattern", "values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values: Final = frozenset(values) - {""}
        longest_first = sorted(self.values, key=lambda value: (-len(value), value))
        self._pattern = _pattern(longest_first) if longest_first else None

    def __call__(self, text: str) -> str:
        """Return the text with `***` in place of every secret value."""
        return self._pattern.sub(MASKED, text) if self._pattern else text

    def extended(self, values: Iterable[str]) -> Mask:
        """Return a mask that hides these values as well."""
        return Mask(self.values.union(values))

    def __repr__(self) -> str:
        return f"Mask({len(self.values)} values)"


def _file_problems(file: TomlFile) -> Iterator[Problem]:
    for name, value in file.data.items():
        if not _NAME.fullmatch(name):
            yield file.problem((name,), _NAME_RULE)
        if isinstance(value, dict):
            yield file.problem((name,), 'is a table: write every secret at the top, as NAME = "value"')
        elif not isinstance(value, str):
            yield file.problem((name,), 'is not text: put the value in quotes, as in NAME = "value"')


def _openness(path: Path) -> tuple[Problem, ...]:
    mode = stat.S_IMODE(path.stat().st_mode)
    message = f"others on this machine may open it (mode {mode:04o}): run `chmod 600 {SECRETS_FILE}`"
    return (Problem(SECRETS_FILE, 0, "", message),) if mode & _OTHERS else ()


def _pattern(values: Sequence[str]) -> re.Pattern[str]:
    encoders = (_escaped, _percent_encoded)
    forms = dict.fromkeys("".join(map(encode, value)) for value in values for encode in encoders)
    return re.compile(_look_ahead(values) + f"(?:{'|'.join(forms)})")


def _look_ahead(values: Sequence[str]) -> str:
    """Turn most places of a text down at once where the compiled pattern would not (it does for plain beginnings)."""
    beginnings = {value[0] for value in values}
    if beginnings <= _NEVER_ENCODED:
        return ""
    encoded = {"%", "+", "\\"}
    return f"(?=[{re.escape(''.join(sorted(beginnings | encoded)))}])"


def _percent_encoded(character: str) -> str:
    if character in _NEVER_ENCODED:
        return re.escape(character)
    encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    plus = r"\+|" if character == " " else ""
    return f"(?:(?i:{encoded})|{plus}{re.escape(character)})"


def _escaped(character: str) -> str:
    if character in _NEVER_ENCODED:
        return re.escape(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    choices = ["(?i:" + "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + ")"]
    if character != "\\":  # a bare one would begin an escape
        choices.append(re.escape(character))
    if character in _SHORT_ESCAPES:
        choices.append(r"\\" + _SHORT_ESCAPES[character])
    elif character.isascii():
        choices.append(r"\\" + re.escape(character))
    if ord(character) <= _LAST_OF_LATIN_1:
        choices.append(rf"(?i:\\x{ord(character):02x})")
    if len(units) > len("ffff"):
        choices.append(rf"(?i:\\U{ord(character):08x})")
    return f"(?:{'|'.join(choices)})"
