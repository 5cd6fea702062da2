"""One running host: journal, runner and pipelines over one project folder, kept up to date with its files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from watchfiles import awatch

from jackfield.addresses import Addresses
from jackfield.bulk import Bulk
from jackfield.clock import utc_now
from jackfield.errors import ConfigurationError, Problem
from jackfield.http import HttpPool
from jackfield.intake import Intake
from jackfield.journal.port import Journal
from jackfield.journal.records import Retention
from jackfield.journal.sqlite import SqliteJournal
from jackfield.lastresort import within
from jackfield.loader import PipelineLoader
from jackfield.metrics import Metrics
from jackfield.modes import Modes
from jackfield.notices import Notices
from jackfield.operations import Operations
from jackfield.phrasebooks import read_phrasebooks
from jackfield.phrases import Phrasebook
from jackfield.pipeline import Pipeline, pipeline_file
from jackfield.pipelines import Pipelines
from jackfield.registry import Registry
from jackfield.runner import Runner
from jackfield.secrets import SECRETS_FILE
from jackfield.sender import webhook_address
from jackfield.settings import PIPELINES_FOLDER, SETTINGS_FILE, Project, Settings
from jackfield.watchdog import Watchdog

_MODES_EVERY: Final = 0.5
_LOOK_EVERY: Final = 1.0
_PRUNE_EVERY: Final = 600.0
_FIRST_INSPECTION: Final = 300.0
_INSPECT_EVERY: Final = 24 * 3600.0
_START_UP: Final = 0.1


@dataclass(slots=True)
class Host:
    """Everything that runs in one process. Made by `running()`; the web and the command line look into it."""

    project: Project
    environ: Mapping[str, str]
    registry: Registry
    journal: Journal
    http: HttpPool
    pipelines: Pipelines
    modes: Modes
    metrics: Metrics
    intake: Intake
    runner: Runner
    notices: Notices
    bulk: Bulk
    addresses: Addresses
    phrasebooks: Mapping[str, Phrasebook]
    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    """What is wrong with which file, whether or not an earlier version of it still runs."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The token of each pipeline's webhook address."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    fault: str | None = None
    """Why the host cannot work, once it cannot."""
    _files: dict[str, tuple[int, int]] = field(default_factory=dict)
    _secrets_changed: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests can be taken over now."""
        return self.fault is None and not self.stopping.is_set()

    def address(self, pipeline: Pipeline) -> str:
        """Return the address to paste at the sender, parameters included."""
        return webhook_address(self.project, self.addresses, pipeline)

    async def reload(self) -> None:
        """Take over what has changed in the project folder since the last time, as far as it is valid.

        Raises `JournalUnavailable`; the next call then takes it over.
        """
        pipelines = self._pipeline_files()
        if pipelines is None:
            return
        names = (SETTINGS_FILE, SECRETS_FILE, *map(pipeline_file, pipelines))
        files = {name: self.project.stamp(name) for name in names}
        changed = {name for name in files.keys() | self._files.keys() if files.get(name) != self._files.get(name)}
        if changed & {SETTINGS_FILE, SECRETS_FILE}:
            self._reload_project()
        if changed:
            await self._load_pipelines(pipelines)
        self._files, self._secrets_changed = files, False

    def _pipeline_files(self) -> Mapping[str, Path] | None:
        """Find the pipelines' files; None while their folder is away, as it may be when a new one is put there."""
        try:
            files = self.project.pipeline_files()
        except ConfigurationError as error:
            if self._note(PIPELINES_FOLDER, error.problems):
                structlog.get_logger().error("nothing is reloaded; what was there before stays", problem=str(error))
            return None
        self._note(PIPELINES_FOLDER, ())
        return files

    def _reload_project(self) -> None:
        project, problems = Project.read(self.project.folder, self.environ)
        for name in (SETTINGS_FILE, SECRETS_FILE):
            found = tuple(problem for problem in problems if problem.file == name)
            if self._note(name, found):
                log = structlog.get_logger()
                log.error("change not taken; what was there before stays", problem="; ".join(map(str, found)))
        if problems:
            return
        if project.settings != self.project.settings:
            structlog.get_logger().warning(f"{SETTINGS_FILE} has changed: restart the host to use it")
        if project.secrets != self.project.secrets:
            self.project = Project(project.folder, self.project.settings, project.secrets)
            self.pipelines.loader = PipelineLoader(self.registry, project.secrets)
            self._secrets_changed = True

    async def _load_pipelines(self, files: Mapping[str, Path]) -> None:
        for id in [pipeline.id for pipeline in self.pipelines if pipeline.id not in files]:
            await self.pipelines.remove(id)
            self.tokens.pop(id, None)
            self.problems.pop(pipeline_file(id), None)
            structlog.get_logger().info("pipeline removed", pipeline=id)
        for id, path in files.items():
            await self._load_pipeline(id, path)
        await self.journal.wake()

    async def _load_pipeline(self, id: str, path: Path) -> None:
        """Take a file over if it says something new; a blocked pipeline never takes the place of one that runs."""
        new, old = self.pipelines.loader.read(id, path), self.pipelines.get(id)
        running = old is not None and not old.blocked
        if self._note(pipeline_file(id), new.problems):
            kept = "; the version that was running goes on" if running else ""
            for problem in new.problems:
                structlog.get_logger().error("pipeline not taken" + kept, pipeline=id, problem=str(problem))
        said = old is not None and old.text == new.text and old.problems == new.problems
        if (new.blocked and running) or (said and not self._secrets_changed):
            return
        await self.pipelines.put(new)
        self.tokens[id] = self.addresses.token(id, new.address_version)
        if not new.blocked and (old is None or old.version != new.version):
            structlog.get_logger().info("pipeline loaded", pipeline=id, version=new.version)

    def _note(self, name: str, problems: tuple[Problem, ...]) -> bool:
        """Remember what is wrong with a file; tell whether that is news."""
        news = bool(problems) and self.problems.get(name) != problems
        if problems:
            self.problems[name] = problems
        else:
            self.problems.pop(name, None)
        return news


@asynccontextmanager
async def running(
    project: Project,
    environ: Mapping[str, str],
    *,
    registry: Registry | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Host]:
    """Run a host for as long as the block lasts, with the plugins that are installed or those of `registry`.

    Raises `ConfigurationError` if the folder of the pipelines cannot be listed, `JournalUnavailable` if the journal
    cannot be opened, or if another host works on it. Leaving the block gives runs that are going on the settings'
    `grace` to end.
    """
    project.var.mkdir(parents=True, exist_ok=True)
    (project.folder / PIPELINES_FOLDER).mkdir(exist_ok=True)
    project.pipeline_files()
    host = _wired(project, environ, registry or Registry.load(limited=_imported_within(project.settings)), now)
    await host.journal.open()
    host.runner.watchdog.start()
    try:
        async with _working(host):
            yield host
    finally:
        await host.pipelines.close()
        await host.http.close()
        host.runner.watchdog.stop()
        await host.journal.close()


def _wired(project: Project, environ: Mapping[str, str], registry: Registry, now: Callable[[], datetime]) -> Host:
    metrics = Metrics()
    journal: Journal = SqliteJournal(project.journal_file, now=now)
    http = HttpPool(allow=project.settings.http.allow, folder=project.folder)
    modes = Modes(journal, now)
    pipelines = Pipelines(journal, PipelineLoader(registry, project.secrets), http.client)
    phrasebooks = read_phrasebooks(registry.plugins)
    notices = Notices(project, pipelines, modes, metrics, journal, now, phrasebooks)
    intake = Intake(journal, metrics, now)
    watchdog = Watchdog(hang_limit=project.settings.server.hang_limit.total_seconds(), plugins=registry.packages)
    return Host(
        project=project,
        environ=environ,
        registry=registry,
        journal=journal,
        http=http,
        pipelines=pipelines,
        modes=modes,
        metrics=metrics,
        intake=intake,
        runner=Runner(pipelines, modes, http, metrics, watchdog, notices, now, project.settings.server.crash_limit),
        notices=notices,
        bulk=Bulk(journal, Operations(journal, intake, pipelines.get, now), now),
        addresses=Addresses.load(project.var),
        phrasebooks=phrasebooks,
    )


def _imported_within(settings: Settings) -> Callable[[str], AbstractContextManager[object]]:
    seconds = settings.server.hang_limit.total_seconds()
    line = "the process ends itself: a plugin has been imported for too long"
    return lambda plugin: within(seconds, lambda: (line, {"plugin": plugin, "seconds": seconds}))


@asynccontextmanager
async def _working(host: Host) -> AsyncIterator[None]:
    await host.modes.refresh()
    await host.reload()
    grace = host.project.settings.server.grace.total_seconds()
    work = asyncio.create_task(host.journal.work(host.runner, host.pipelines.limits, host.stopping, grace))
    await asyncio.wait([work], timeout=_START_UP)
    if work.done():
        await work
    work.add_done_callback(lambda task: _worked(host, task))
    modes = _regularly(host, _MODES_EVERY, "modes", host.modes.refresh)
    notices = _regularly(host, _LOOK_EVERY, "notices", host.notices.look)
    keepers = [
        asyncio.create_task(keeper) for keeper in (_watch_files(host), modes, notices, _prune(host), _inspect(host))
    ]
    host.notices.start()
    try:
        yield
    finally:
        host.stopping.set()
        await host.bulk.end()
        await asyncio.gather(work, *keepers, return_exceptions=True)
        await host.notices.end()


def _worked(host: Host, task: asyncio.Task[None]) -> None:
    """Notice that work has ended though nobody asked for it: the host then takes nothing more over."""
    if not task.cancelled() and (error := task.exception()) is not None:
        host.fault = f"the host has stopped working on its journal: {error}"
        structlog.get_logger().critical(host.fault)


async def _watch_files(host: Host) -> None:
    """Reload what has changed. The system's notices say when to look; a look every second finds what they miss."""
    while not host.stopping.is_set():
        try:
            async for _ in _notices(host):
                await _kept_going("reload", host.reload())
        except OSError:  # a folder is away, or the system gives no notices
            await _kept_going("reload", host.reload())
            await _stopping_within(host, 1.0)


def _notices(host: Host) -> AsyncIterator[object]:
    return awatch(
        host.project.folder,
        host.project.folder / PIPELINES_FOLDER,
        watch_filter=lambda _, path: path.endswith(".toml"),
        stop_event=host.stopping,
        recursive=False,
        debounce=200,
        rust_timeout=1000,
        yield_on_timeout=True,
    )


async def _regularly(host: Host, seconds: float, what: str, work: Callable[[], Awaitable[object]]) -> None:
    while not await _stopping_within(host, seconds):
        await _kept_going(what, work())


async def _prune(host: Host) -> None:
    keep = host.project.settings.journal.keep
    policy = Retention(timedelta(days=keep.days), keep.size)
    while not await _stopping_within(host, _PRUNE_EVERY):
        await _kept_going("prune", host.journal.prune(policy, utc_now()))
        await _kept_going("size", host.notices.pruned())


async def _inspect(host: Host) -> None:
    """Look for damage in the journal, some minutes after the start and then once a day."""
    pause = _FIRST_INSPECTION
    while not await _stopping_within(host, pause):
        await _kept_going("inspection", host.journal.inspect())
        pause = _INSPECT_EVERY


async def _stopping_within(host: Host, seconds: float) -> bool:
    try:
        await asyncio.wait_for(host.stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _kept_going(what: str, work: Awaitable[object]) -> None:
    """Do a keeper's work; whatever goes wrong is logged, and the next time comes."""
    try:
        await work
    except Exception:  # noqa: BLE001 - a fault in one look at the folder must not end all later ones
        structlog.get_logger().exception("housekeeping failed; will be tried again", work=what)
