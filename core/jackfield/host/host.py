"""One running host: journal, runner and pipelines over one project folder, kept up to date with its files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

import structlog
from watchfiles import awatch

from jackfield.access.audit_log import AuditLog
from jackfield.access.file_audit import FileAudit
from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.clock import utc_now
from jackfield.components.plugins.registry import Registry
from jackfield.errors import JournalUnavailable
from jackfield.host.housekeeping import Housekeeping
from jackfield.host.reload import Reloader
from jackfield.http.client import HttpPool
from jackfield.i18n.phrasebooks import read_phrasebooks
from jackfield.i18n.phrases import Phrasebook
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Retention
from jackfield.journal.sqlite import SqliteJournal
from jackfield.notices.watch import Notices
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.live import Pipelines
from jackfield.pipelines.loader import PipelineLoader
from jackfield.pipelines.modes import Modes
from jackfield.pipelines.sender import webhook_address
from jackfield.problems import Problem
from jackfield.project.files import private_folder
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import PIPELINES_FOLDER, Project, Settings
from jackfield.runs.bulk import Bulk
from jackfield.runs.intake import Intake
from jackfield.runs.metrics import Metrics
from jackfield.runs.replay import Replays
from jackfield.runs.runner import Runner
from jackfield.runs.watchdog.last_resort import within
from jackfield.runs.watchdog.watchdog import Watchdog

_MODES_EVERY: Final = 0.5
_LOOK_EVERY: Final = 1.0
_PRUNE_EVERY: Final = 600.0
_TRIM_SOONEST: Final = 0.1
_FASTEST: Final = 300_000_000
"""With this size the journal is looked at each second: no more than a tenth of it comes in meanwhile."""
_FIRST_INSPECTION: Final = 300.0
_INSPECT_EVERY: Final = 24 * 3600.0
_START_UP: Final = 0.1


@dataclass(slots=True)
class Host:
    """Everything that runs in one process. Made by `running()`; the web and the command line look into it."""

    reloader: Reloader
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
    audit: AuditLog
    files: FileAudit
    addresses: Addresses
    phrasebooks: Mapping[str, Phrasebook]
    housekeeping: Housekeeping = field(default_factory=Housekeeping)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    fault: str | None = None
    """Why the host cannot work, once it cannot."""

    @property
    def project(self) -> Project:
        """The project as its files were when they were last valid."""
        return self.reloader.project

    @property
    def problems(self) -> dict[str, tuple[Problem, ...]]:
        """What is wrong with which file, whether or not an earlier version of it still runs."""
        return self.reloader.problems

    @property
    def tokens(self) -> Mapping[str, str]:
        """The token of each pipeline's webhook address."""
        return self.reloader.tokens

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
        await self.reloader.reload()
        self.notices.project = self.project


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
    private_folder(project.var)
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
    pipelines = Pipelines(journal, PipelineLoader(registry, project.secrets, project.folder), http)
    phrasebooks = read_phrasebooks(registry.plugins)
    about = partial(_whom_about, journal, pipelines)
    notices = Notices(project, pipelines, modes, metrics.arrivals, about, journal, now, phrasebooks)
    intake = Intake(journal, metrics, now)
    watchdog = Watchdog(hang_limit=project.settings.server.hang_limit.total_seconds(), plugins=registry.packages)
    addresses = Addresses.load(project.var)
    audit = AuditLog(journal, now, lambda text: pipelines.loader.mask(text))  # noqa: PLW0108 - secrets change
    return Host(
        reloader=Reloader(project, environ, pipelines, addresses, http),
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
        bulk=Bulk(journal, Replays(journal, intake, pipelines.get, now), now),
        audit=audit,
        files=FileAudit(project.folder, audit, journal, lambda: pipelines.loader),
        addresses=addresses,
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
    await host.files.begin()
    grace = host.project.settings.server.grace.total_seconds()
    work = asyncio.create_task(host.journal.work(host.runner, host.pipelines.limits, host.stopping, grace))
    await asyncio.wait([work], timeout=_START_UP)
    if work.done():
        await work
    work.add_done_callback(lambda task: _worked(host, task))
    modes = _regularly(host, _MODES_EVERY, "modes", host.modes.refresh)
    notices = _regularly(host, _LOOK_EVERY, "notices", host.notices.look)
    audit = _regularly(host, _LOOK_EVERY, "audit", lambda: _keep_audit(host))
    keepers = [
        asyncio.create_task(keeper)
        for keeper in (_watch_files(host), modes, notices, audit, _prune(host), _inspect(host))
    ]
    host.notices.start()
    host.reloader.serving()
    try:
        yield
    finally:
        host.stopping.set()
        await host.bulk.end()
        await asyncio.gather(work, *keepers, return_exceptions=True)
        await host.notices.end()
        await host.housekeeping.attempt("audit", host.audit.summarise(ending=True))


def _worked(host: Host, task: asyncio.Task[None]) -> None:
    """Notice that work has ended though nobody asked for it: the host then takes nothing more over."""
    if not task.cancelled() and (error := task.exception()) is not None:
        host.fault = f"the host has stopped working on its journal: {error}"
        structlog.get_logger().critical(host.fault)


async def _watch_files(host: Host) -> None:
    """Reload what has changed. File events say when to look; a look every second finds what they miss."""
    while not host.stopping.is_set():
        try:
            async for _ in _file_changes(host):
                await host.housekeeping.attempt("reload", host.reload())
        except OSError:  # a folder is away, or the system gives no file events
            await host.housekeeping.attempt("reload", host.reload())
            await _stopping_within(host, 1.0)


def _file_changes(host: Host) -> AsyncIterator[object]:
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
        await host.housekeeping.attempt(what, work())


async def _keep_audit(host: Host) -> None:
    await host.files.look()
    await host.audit.summarise()


async def _prune(host: Host) -> None:
    """Delete what need not be kept, every now and then; what is too much for `keep.size`, at once."""
    due, seen = monotonic() + _PRUNE_EVERY, 0
    while not await _stopping_within(host, _trim_every(host.project.settings.journal.keep.size)):
        keep = host.project.settings.journal.keep
        if monotonic() >= due:
            due = monotonic() + _PRUNE_EVERY
            policy = Retention(timedelta(days=keep.days), keep.size)
            await host.housekeeping.attempt("prune", host.journal.prune(policy, utc_now()))
            await host.housekeeping.attempt("prune audit log", host.journal.prune_audit(keep.audit_days, utc_now()))
            await host.housekeeping.attempt("size", host.notices.pruned())
        with suppress(JournalUnavailable):  # it is said elsewhere
            changes = await host.journal.changes()
            if changes != seen:
                await host.housekeeping.attempt("trim", host.journal.trim(keep.size))
            seen = changes


def _trim_every(size: int) -> float:
    """Say after how many seconds to look again: before much of a fifth of the size can have come in."""
    return min(_LOOK_EVERY, max(_TRIM_SOONEST, size / _FASTEST))


async def _inspect(host: Host) -> None:
    """Look for damage in the journal, some minutes after the start and then once a day."""
    pause = _FIRST_INSPECTION
    while not await _stopping_within(host, pause):
        await host.housekeeping.attempt("inspection", host.journal.inspect())
        pause = _INSPECT_EVERY


async def _stopping_within(host: Host, seconds: float) -> bool:
    try:
        await asyncio.wait_for(host.stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _whom_about(journal: Journal, pipelines: Pipelines, run: str) -> str:
    """Say whom a run is about as a viewer may know it: a notice goes to who knows whom."""
    view = await JournalViewer(journal, pipelines.get, Role.VIEWER).run(run)
    return view.summary.label or "" if view else ""
