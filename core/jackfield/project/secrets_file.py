"""Writes `secrets.toml`: sets and deletes single secrets, and leaves all else in it as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from jackfield.errors import ConfigurationError
from jackfield.problems import Problem
from jackfield.project.files import locked, replace_file
from jackfield.project.secrets import SECRET_NAME, SECRETS_FILE, file_problems
from jackfield.project.toml_file import TomlFile
from jackfield.project.toml_text import toml_entry


def secrets_in_file(folder: Path) -> frozenset[str]:
    """Name the secrets that are in the file of a project; none if there is no file.

    Raises `ConfigurationError` if it cannot be read, or is no file of secrets.
    """
    return frozenset(_read(folder).data)


def secret_in_file(folder: Path, name: str) -> str | None:
    """Return the value of a secret in the file, None if it has none of this name. Raises `ConfigurationError`."""
    value: str | None = _read(folder).data.get(name)
    return value


def put_secret(folder: Path, name: str, value: str) -> None:
    """Set a secret, or replace it. On return the file is on disk, and nobody else may open it (mode 0600).

    It is kept as it is given, to the last line end; one of several lines stands on several lines.

    Raises ValueError for a name or a value that no secret may have, `ConfigurationError` if the file cannot be read,
    OSError if it cannot be written; then it is as it was.
    """
    if not SECRET_NAME.fullmatch(name):
        raise ValueError(name)
    if not value:
        raise ValueError("a secret that says nothing is none")
    entry = tomlkit.parse(toml_entry(name, value))[name]
    _change(folder, lambda document: document.__setitem__(name, entry))


def delete_secret(folder: Path, name: str) -> None:
    """Take a secret out of the file; that it is not there is no mistake. Raises as `put_secret()` does."""
    if name in secrets_in_file(folder):
        _change(folder, lambda document: document.remove(name) if name in document else None)


def _read(folder: Path) -> TomlFile:
    file = TomlFile.read_if_any(folder / SECRETS_FILE, SECRETS_FILE) or TomlFile(SECRETS_FILE, "", {})
    if problems := tuple(file_problems(file)):
        raise ConfigurationError(problems)
    return file


def _change(folder: Path, change: Callable[[tomlkit.TOMLDocument], object]) -> None:
    with locked(folder):
        _change_alone(folder, change)


def _change_alone(folder: Path, change: Callable[[tomlkit.TOMLDocument], object]) -> None:
    try:
        document = tomlkit.parse(_read(folder).text)
        change(document)
        text = tomlkit.dumps(document)
        if tomllib.loads(text) != document.unwrap():
            raise ValueError("this value cannot be written into a TOML file")
    except TOMLKitError:
        problem = Problem(SECRETS_FILE, 0, "", "cannot be changed here; change it with an editor")
        raise ConfigurationError([problem]) from None
    replace_file((folder / SECRETS_FILE).resolve(), text.encode())
