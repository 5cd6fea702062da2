"""Which secrets a project has: where each is set, and which files name it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jackfield.components.values import Text
from jackfield.errors import ConfigurationError
from jackfield.host.host import Host
from jackfield.project.file_reader import read_file
from jackfield.project.secrets import ENVIRONMENT_PREFIX
from jackfield.project.secrets_file import secrets_in_file
from jackfield.project.settings import SETTINGS_FILE
from jackfield.project.toml_file import MEGABYTES, TomlFile
from jackfield.templates.engine import TemplateEngine
from jackfield.templates.scope import leaves


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One secret: where it is set, and which pipelines name it, by id and title."""

    name: str
    in_file: bool
    in_environment: bool
    pipelines: tuple[tuple[str, Text], ...]
    in_settings: bool

    @property
    def missing(self) -> bool:
        """Whether it is named and not set."""
        return not (self.in_file or self.in_environment)


def secrets_named(text: str, engine: TemplateEngine) -> frozenset[str]:
    """Find the secrets that the templates in a TOML text name; what cannot be read names none."""
    try:
        data: Any = TomlFile.parse(text, "").data
    except ConfigurationError:
        return frozenset()
    found: set[str] = set()
    for _, leaf in leaves(data, ()):
        if not (isinstance(leaf, str) and "secret" in leaf):
            continue
        try:
            found |= engine.compile(leaf, "").secrets
        except Exception:  # noqa: BLE001, S112 - a template that stops nothing else; who loads the file says why
            continue
    return frozenset(found)


def secret_rows(host: Host) -> Iterator[SecretRow]:
    """Find every secret that is set or that a file names; it reads files."""
    try:
        in_file = secrets_in_file(host.project.folder)
    except ConfigurationError:  # which is among the problems of the host
        in_file = frozenset()
    prefix = len(ENVIRONMENT_PREFIX)
    in_environment = {key[prefix:] for key in host.environ if key.startswith(ENVIRONMENT_PREFIX)}
    uses = _uses(host)
    in_settings = _named(host, host.project.folder / SETTINGS_FILE)
    for name in in_file | in_environment | uses.keys() | in_settings:
        pipelines = tuple(uses.get(name, ()))
        yield SecretRow(name, name in in_file, name in in_environment, pipelines, name in in_settings)


def _uses(host: Host) -> dict[str, list[tuple[str, Text]]]:
    """Find which pipelines name which secret, in their files as they are now."""
    try:
        files = host.project.pipeline_files()
    except ConfigurationError:
        return {}
    found: dict[str, list[tuple[str, Text]]] = {}
    for id, path in files.items():
        pipeline = host.pipelines.get(id)
        for name in _named(host, path):
            found.setdefault(name, []).append((id, pipeline.title if pipeline else id))
    return found


def _named(host: Host, path: Path) -> frozenset[str]:
    try:
        text = read_file(path, MEGABYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return secrets_named(text, host.pipelines.loader.engine)
