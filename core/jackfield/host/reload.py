"""Takes over what changes in the project folder: only what changed is read again, and in a thread of its own."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from jackfield.errors import ConfigurationError
from jackfield.http.client import HttpPool
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.live import Pipelines
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import Problem
from jackfield.project.file_reader import read_file
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import PIPELINES_FOLDER, SETTINGS_FILE, Project
from jackfield.project.toml_file import MEGABYTES

_BATCH: Final = 50
"""So many pipelines are read before they are put in place."""
_PAUSE: Final = 0.002
"""Seconds that the reading thread leaves to others after each file: while it works, it holds the interpreter."""
_SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a file that is changed once more has another time stamp for certain."""

_Stamp: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was: its stamp, a hash of what is in it, and whether that stamp tells it from any later one."""

    stamp: _Stamp
    digest: bytes
    settled: bool


@dataclass(frozen=True, slots=True)
class _Look:
    """The folder at one moment: the pipelines' files by id, how each file is, and which are not as they were."""

    pipelines: Mapping[str, Path]
    seen: Mapping[str, _Seen]
    changed: Collection[str]


@dataclass(slots=True)
class Reloader:
    """Keeps a running host's project, secrets and pipelines up to date with the files."""

    project: Project
    environ: Mapping[str, str]
    pipelines: Pipelines
    addresses: Addresses
    http: HttpPool
    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    """What is wrong with which file, whether or not an earlier version of it still runs."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The token of each pipeline's webhook address."""
    pause: float = 0.0
    """Seconds that reading leaves to others after each file; none before there is anything else to do."""
    _seen: Mapping[str, _Seen] = field(default_factory=dict)
    _secrets_changed: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reload(self) -> bool:
        """Take over what has changed since the last time, as far as it is valid; tell whether anything has.

        Whatever had changed when this was called is taken over when it returns. Raises `JournalUnavailable`; the next
        call then takes it over.
        """
        async with self._lock:
            return await self._reload()

    def serving(self) -> None:
        """From now on, leave time to what else the process does."""
        self.pause = _PAUSE

    async def _reload(self) -> bool:
        try:
            look = await asyncio.to_thread(_look, self.project, self._seen)
        except ConfigurationError as error:  # the folder is away, as it may be when a new one is put there
            if self._note(PIPELINES_FOLDER, error.problems):
                structlog.get_logger().error("nothing is reloaded; what was there before stays", problem=str(error))
            return False
        self._note(PIPELINES_FOLDER, ())
        if not {SETTINGS_FILE, SECRETS_FILE}.isdisjoint(look.changed):
            await self._take_project()
        changed = [id for id in look.pipelines if self._secrets_changed or pipeline_file(id) in look.changed]
        gone = [pipeline.id for pipeline in self.pipelines if pipeline.id not in look.pipelines]
        await self._remove(gone)
        for batch in _batches(changed):
            files = {id: look.pipelines[id] for id in batch}
            await self._take(await asyncio.to_thread(self._read, self.pipelines.loader, files))
        if changed or gone:
            await self.pipelines.journal.wake()
        self._seen, self._secrets_changed = look.seen, False
        return bool(look.changed or gone)

    def _read(self, loader: PipelineLoader, files: Mapping[str, Path]) -> list[Pipeline]:
        found = []
        for id, path in files.items():
            found.append(loader.read(id, path))
            if self.pause:
                time.sleep(self.pause)
        return found

    async def _take_project(self) -> None:
        project, problems = await asyncio.to_thread(Project.read, self.project.folder, self.environ)
        for name in (SETTINGS_FILE, SECRETS_FILE):
            found = tuple(problem for problem in problems if problem.file == name)
            if self._note(name, found):
                log = structlog.get_logger()
                log.error("change not taken; what was there before stays", problem="; ".join(map(str, found)))
        if problems:
            return
        settings, stale = self.project.settings.updated(project.settings)
        if stale:
            log = structlog.get_logger()
            log.warning("settings have changed that a host reads at its start only: restart it", settings=stale)
        if settings.http.allow != self.project.settings.http.allow:
            await self.http.allow(settings.http.allow)
            structlog.get_logger().info("other addresses are let through", allow=list(settings.http.allow))
        self._secrets_changed |= project.secrets != self.project.secrets
        self.project = Project(project.folder, settings, project.secrets)
        if self._secrets_changed:
            self.pipelines.loader = PipelineLoader(self.pipelines.loader.registry, project.secrets, project.folder)

    async def _remove(self, ids: Sequence[str]) -> None:
        for id in ids:
            await self.pipelines.remove(id)
            self.tokens.pop(id, None)
            self.problems.pop(pipeline_file(id), None)
            structlog.get_logger().info("pipeline removed", pipeline=id)

    async def _take(self, read: Sequence[Pipeline]) -> None:
        """Take over what says something new; a blocked pipeline never takes the place of one that runs."""
        news = [pipeline for pipeline in read if self._is_news(pipeline)]
        before = {id: old.version for id in (one.id for one in news) if (old := self.pipelines.get(id))}
        await self.pipelines.put(news)
        for new in news:
            self.tokens[new.id] = self.addresses.token(new.id, new.address_version)
            if not new.blocked and before.get(new.id) != new.version:
                structlog.get_logger().info("pipeline loaded", pipeline=new.id, version=new.version)

    def _is_news(self, new: Pipeline) -> bool:
        old = self.pipelines.get(new.id)
        running = old is not None and not old.blocked
        if self._note(pipeline_file(new.id), new.problems):
            kept = "; the version that was running goes on" if running else ""
            for problem in new.problems:
                structlog.get_logger().error("pipeline not taken" + kept, pipeline=new.id, problem=str(problem))
        if new.blocked and running:
            return False
        said = old is not None and old.text == new.text and old.problems == new.problems
        return not said or self._secrets_changed

    def _note(self, name: str, problems: tuple[Problem, ...]) -> bool:
        """Remember what is wrong with a file; tell whether that is news."""
        news = bool(problems) and self.problems.get(name) != problems
        if problems:
            self.problems[name] = problems
        else:
            self.problems.pop(name, None)
        return news


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    left = iter(ids)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _look(project: Project, before: Mapping[str, _Seen]) -> _Look:
    """See which files are not as they were. Raises `ConfigurationError` if the pipelines' folder cannot be listed."""
    pipelines = project.pipeline_files()
    paths = {name: project.folder / name for name in (SETTINGS_FILE, SECRETS_FILE)}
    paths |= {pipeline_file(id): path for id, path in pipelines.items()}
    seen = {name: _seen(path, before.get(name)) for name, path in paths.items()}
    changed = {name for name, one in seen.items() if name not in before or before[name].digest != one.digest}
    return _Look(pipelines, seen, changed)


def _seen(path: Path, before: _Seen | None) -> _Seen:
    """Look at a file; what is in it only if its stamp does not say that it is what it was."""
    try:
        status = path.stat()
    except OSError as error:
        return _Seen((), str(error.errno).encode(), settled=True)
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev, status.st_mode)
    if before is not None and before.settled and before.stamp == stamp:
        return before
    settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED
    return _Seen(stamp, _digest(path), settled)


def _digest(path: Path) -> bytes:
    try:
        return hashlib.blake2b(read_file(path, MEGABYTES)).digest()
    except OSError as error:
        return str(error).encode()
