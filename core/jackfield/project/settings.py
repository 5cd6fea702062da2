"""The project folder and `jackfield.toml`: server, journal, limits, notices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from jackfield.components.options import OptionsModel
from jackfield.components.units import Duration, Size, parse_duration, parse_size
from jackfield.components.validation import validation_problems
from jackfield.errors import ConfigurationError
from jackfield.http.address_guard import AddressGuard
from jackfield.problems import Problem
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile

SETTINGS_FILE: Final = "jackfield.toml"
PIPELINES_FOLDER: Final = "pipelines"
VAR_FOLDER: Final = "var"
ROOM: Final = 500_000_000
"""How many bytes should be free on the journal's disk; with less, the operator is told."""
_SQLITE: Final = "sqlite:///"


def _public_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError('must start with "https://" (or "http://")')
    return url.rstrip("/")


def _journal_url(url: str) -> str:
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ValueError('must be a file, such as "sqlite:///var/journal.db"')
    return url


class ServerSettings(OptionsModel):
    """Where the host listens, and what it takes."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    body_limit: Size = Field(default=1_000_000, ge=1)
    grace: Duration = parse_duration("20 s")
    crash_limit: int = Field(default=2, ge=1)
    hang_limit: Duration = Field(default=parse_duration("30 s"), ge=timedelta(seconds=1))


class KeepSettings(OptionsModel):
    """How much of the past the journal keeps."""

    days: int = Field(default=30, ge=1, le=36500)
    size: Size = Field(default=parse_size("2 GB"), ge=parse_size("10 MB"))
    audit_days: int = Field(default=365, ge=30, le=36500)  # the journal keeps entries for LEAST_DAYS in any case


class JournalSettings(OptionsModel):
    """Where the journal is."""

    url: Annotated[str, AfterValidator(_journal_url)] = "sqlite:///var/journal.db"
    keep: KeepSettings = KeepSettings()


def _allowed(entries: tuple[str, ...]) -> tuple[str, ...]:
    AddressGuard(entries)
    return entries


class HttpSettings(OptionsModel):
    """What the HTTP client lent to actions may reach besides public addresses."""

    allow: Annotated[tuple[str, ...], AfterValidator(_allowed)] = ()


class NoticeSettings(OptionsModel):
    """How the operator is told. Every further key is the table of a notifier, which is read with its options' model."""

    model_config = ConfigDict(extra="allow", frozen=True)

    language: Literal["en", "ru"] = "en"
    window: Duration = Field(default=parse_duration("15 min"), ge=timedelta(minutes=1))


class Settings(OptionsModel):
    """All of `jackfield.toml`."""

    server: ServerSettings = ServerSettings()
    journal: JournalSettings = JournalSettings()
    http: HttpSettings = HttpSettings()
    notices: NoticeSettings = NoticeSettings()

    def updated(self, new: Settings) -> tuple[Settings, list[str]]:
        """Take over what a running host can; name the settings that have changed and for which it must be restarted."""
        live = {
            "server": self.server.model_copy(update={"body_limit": new.server.body_limit}),
            "journal": self.journal.model_copy(update={"keep": new.journal.keep}),
            "http": new.http,
        }
        taken = self.model_copy(update=live)
        return taken, [f"{table}.{key}" for table in type(self).model_fields for key in _differing(taken, new, table)]

    @property
    def local_url(self) -> str:
        """The address at which a program on this machine reaches the host."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.server.host, self.server.host)  # noqa: S104
        return http_url(host, self.server.port)

    @property
    def public_url(self) -> str:
        """What webhook addresses start with."""
        return self.server.public_url or self.local_url


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder: its settings and secrets. Its pipelines are read one by one."""

    folder: Path
    settings: Settings
    secrets: Secrets

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str]) -> Project:
        """Read the folder. Raises `ConfigurationError` with every mistake in `jackfield.toml` and `secrets.toml`."""
        project, problems = cls.read(folder, environ)
        if problems:
            raise ConfigurationError(problems)
        return project

    @classmethod
    def read(cls, folder: Path, environ: Mapping[str, str]) -> tuple[Project, list[Problem]]:
        """Read as much of the folder as can be used, and say what cannot."""
        settings, secrets = Settings(), Secrets({})
        problems: list[Problem] = []
        try:
            settings = _read_settings(folder)
        except ConfigurationError as error:
            problems += error.problems
        try:
            secrets = Secrets.load(folder, environ)
        except ConfigurationError as error:
            problems += error.problems
        return cls(folder, settings, secrets), problems

    @property
    def var(self) -> Path:
        """The folder for what the host writes."""
        return self.folder / VAR_FOLDER

    @property
    def journal_file(self) -> Path:
        """The journal's file."""
        return self.folder / self.settings.journal.url.removeprefix(_SQLITE)

    def pipeline_files(self) -> dict[str, Path]:
        """Find the pipelines' files, by id. Raises `ConfigurationError` if their folder cannot be listed."""
        try:
            paths = sorted((self.folder / PIPELINES_FOLDER).iterdir())
        except OSError as error:
            message = f"cannot be listed: {error.strerror}; pipelines are files in this folder"
            raise ConfigurationError([Problem(PIPELINES_FOLDER, 0, "", message)]) from None
        return {_readable(path.stem): path for path in paths if path.suffix == ".toml"}


def _differing(old: Settings, new: Settings, table: str) -> list[str]:
    before, after = getattr(old, table), getattr(new, table)
    names = {*type(before).model_fields, *(before.model_extra or {}), *(after.model_extra or {})}
    return sorted(name for name in names if getattr(before, name, None) != getattr(after, name, None))


def _readable(name: str) -> str:
    """Write a file's name as text: on Linux it may be bytes that are none."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def http_url(host: str, port: int) -> str:
    """Write the address of a server on this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _read_settings(folder: Path) -> Settings:
    file = TomlFile.read_if_any(folder / SETTINGS_FILE, SETTINGS_FILE)
    if file is None:
        message = "is not there; make a project with `jackfield init DIR`, or name its folder with --project"
        raise ConfigurationError([Problem(SETTINGS_FILE, 0, "", message)])
    try:
        return Settings.model_validate(file.data)
    except ValidationError as error:
        found = validation_problems(error, file.data, Settings)
        raise ConfigurationError([file.problem(problem.key, problem.message) for problem in found]) from None
