"""The notifiers of `[notices]`: read from `jackfield.toml`, and each with a task that delivers what it is handed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from jackfield.components.base import Notifier
from jackfield.components.options import OptionsModel
from jackfield.components.plugins.registry import NotifierClass
from jackfield.components.values import Notice
from jackfield.errors import ConfigurationError, PermanentFailure, PluginError, TemporaryFailure
from jackfield.http.client import HttpPool
from jackfield.masking import Mask
from jackfield.pipelines.loader import PipelineLoader
from jackfield.pipelines.rendered_options import secret_values
from jackfield.problems import Problem, did_you_mean
from jackfield.project.settings import SETTINGS_FILE, NoticeSettings, Project
from jackfield.project.toml_file import TomlFile

LIMIT: Final = 60.0
"""Seconds that one delivery may take."""
PENDING: Final = 100
"""How many notices wait for one notifier at most; when there are more, the oldest goes."""
KEPT: Final = timedelta(days=1)
"""For how long a notice that does not get through is tried again."""

_TABLE: Final = "notices"
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=10)
_CLOSING: Final = 5.0


@dataclass(frozen=True, slots=True)
class NotifierDefinition:
    """A notifier with its options; `mask` hides the secrets among them."""

    kind: NotifierClass
    options: OptionsModel
    mask: Mask

    def make(self, http: HttpPool) -> Notifier[Any]:
        """Make the notifier. Raises `PluginError` if its class fails."""
        log = structlog.get_logger().bind(notifier=self.kind.name)
        try:
            return self.kind(self.options, http.lend(log))
        except Exception as fault:  # noqa: BLE001 - a plugin's fault stops no other notifier
            raise PluginError(self.mask(f"notifier {self.kind.name} cannot be made: {fault!r}")) from None


def read_notifiers(project: Project, loader: PipelineLoader) -> tuple[list[NotifierDefinition], list[Problem]]:
    """Read the tables of `[notices]`: those that can be used, and what is wrong with the others."""
    definitions: list[NotifierDefinition] = []
    problems: list[Problem] = []
    names = project.settings.notices.model_extra or {}
    try:
        file = TomlFile.read(project.folder / SETTINGS_FILE, SETTINGS_FILE) if names else None
    except ConfigurationError as error:
        return [], list(error.problems)
    for name in names:
        found = _definition(name, file, loader) if file else ()
        if isinstance(found, NotifierDefinition):
            definitions.append(found)
        else:
            problems += [problem.masked(loader.mask) for problem in found]
    return definitions, problems


def _definition(name: str, file: TomlFile, loader: PipelineLoader) -> NotifierDefinition | tuple[Problem, ...]:
    where = (_TABLE, name)
    if not isinstance(file.data.get(_TABLE, {}).get(name), dict):
        known = NoticeSettings.model_fields.keys() | loader.registry.notifiers.keys()
        return (file.problem(where, f"is not known here{did_you_mean(name, known)}"),)
    try:
        kind = loader.registry.notifier(name)
    except PluginError as error:
        return (file.problem(where, str(error)),)
    read = loader.fixed_options(kind.Options, file, where)
    if read.options is None:
        return read.problems
    return NotifierDefinition(kind, read.options, loader.mask.extended(secret_values(read.options)))


async def delivered(notifier: Notifier[Any], notice: Notice) -> None:
    """Deliver one notice. Raises `TemporaryFailure` or `PermanentFailure`, whatever the notifier raises."""
    try:
        async with asyncio.timeout(LIMIT):
            await notifier.notify(notice)
    except (TemporaryFailure, PermanentFailure):
        raise
    except TimeoutError:
        raise TemporaryFailure(f"it did not end within {LIMIT:g} s") from None
    except Exception as fault:
        raise TemporaryFailure(f"{type(fault).__name__}: {fault}") from fault


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """How a notifier does. `error` is its last failure and `failing_since` when it began, until one gets through."""

    name: str
    pending: int = 0
    failing_since: datetime | None = None
    error: str | None = None


@dataclass(slots=True)
class Channel:
    """One notifier with what it still has to deliver, in order."""

    name: str
    notifier: Notifier[Any]
    mask: Mask
    now: Callable[[], datetime]
    first_wait: timedelta = _FIRST_WAIT
    _pending: deque[Notice] = field(default_factory=lambda: deque(maxlen=PENDING))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _status: NotifierStatus = NotifierStatus("")

    @property
    def status(self) -> NotifierStatus:
        """Say how it does."""
        return replace(self._status, name=self.name, pending=len(self._pending))

    def put(self, notice: Notice) -> None:
        """Hand a notice over; returns at once."""
        self._pending.append(notice)
        self._news.set()

    def end(self) -> None:
        """Let `work()` return when each notice that is pending has been tried once more."""
        self._ending.set()
        self._news.set()

    async def work(self) -> None:
        """Deliver notices until `end()`."""
        failures = 0
        while self._pending or not self._ending.is_set():
            if not self._pending:
                self._news.clear()
                await self._news.wait()
                continue
            notice = self._pending[0]
            wait = await self._delivered(notice, failures)
            if wait is None or self._ending.is_set():
                failures = 0
                if self._pending and self._pending[0] is notice:  # else it had to make room for newer ones
                    self._pending.popleft()
                continue
            failures += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), wait.total_seconds())

    async def _delivered(self, notice: Notice, failures: int) -> timedelta | None:
        """Try to deliver a notice; return how long to wait before the next try, None if there is to be none."""
        try:
            await delivered(self.notifier, notice)
        except TemporaryFailure as failure:
            self._failed(notice, str(failure))
            wait = min(self.first_wait * 3 ** min(failures, 10), _LONGEST_WAIT)
            wait = max(wait, min(failure.retry_after or wait, KEPT))
            return wait if self.now() - notice.at < KEPT else None
        except PermanentFailure as failure:
            self._failed(notice, str(failure))
            return None
        self._status = NotifierStatus(self.name)
        return None

    def _failed(self, notice: Notice, reason: str) -> None:
        error = self.mask(reason)
        since = self._status.failing_since or self.now()
        self._status = NotifierStatus(self.name, failing_since=since, error=error)
        log = structlog.get_logger().bind(notifier=self.name, subject=notice.subject)
        log.error("a notice could not be delivered", error=error)


class Notifiers:
    """All notifiers of a host. `unread` says what is wrong with those that could not be read, `problems` of all."""

    def __init__(
        self,
        definitions: list[NotifierDefinition],
        channels: list[Channel],
        unread: list[Problem],
        problems: list[Problem],
    ) -> None:
        self.definitions = definitions
        self.channels = channels
        self.unread = unread
        self.problems = problems
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def load(cls, project: Project, loader: PipelineLoader, http: HttpPool, now: Callable[[], datetime]) -> Notifiers:
        """Make those that can be made; what is wrong with the others stops nothing and is in the log."""
        definitions, unread = read_notifiers(project, loader)
        problems, channels = [*unread], list[Channel]()
        for one in definitions:
            try:
                channels.append(Channel(one.kind.name, one.make(http), one.mask, now))
            except PluginError as error:
                problems.append(Problem(SETTINGS_FILE, 0, f"{_TABLE}.{one.kind.name}", str(error)))
        for problem in problems:
            structlog.get_logger().error("notifier cannot be used", problem=str(problem))
        return cls(definitions, channels, unread, problems)

    @property
    def statuses(self) -> list[NotifierStatus]:
        """Say how each does."""
        return [channel.status for channel in self.channels]

    def put(self, notice: Notice) -> None:
        """Hand a notice to all of them; returns at once."""
        for channel in self.channels:
            channel.put(notice)

    def start(self) -> None:
        """Let them work. Called once."""
        self._tasks = [asyncio.create_task(channel.work()) for channel in self.channels]

    async def end(self, grace: float) -> None:
        """Give each `grace` seconds to deliver what is pending, then close them. Called once."""
        for channel in self.channels:
            channel.end()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self.channels:
            if lost := channel.status.pending:
                structlog.get_logger().error("notices are lost", notifier=channel.name, notices=lost)
            await close_notifier(channel.name, channel.notifier)


async def close_notifier(name: str, notifier: Notifier[Any]) -> None:
    """Let a notifier give back what it holds; what goes wrong is in the log."""
    try:
        async with asyncio.timeout(_CLOSING):
            await notifier.close()
    except Exception:  # noqa: BLE001 - a plugin's fault must not keep the others from closing
        structlog.get_logger().exception("a notifier could not be closed", notifier=name)
