"""Tells the operator what happened: watches runs, pipelines and the journal, and hands notices to the notifiers."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from jackfield.components.values import NoticeKind
from jackfield.errors import JournalError
from jackfield.i18n.phrases import Phrasebook
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Failed, Mode, RetryAt, State, Verdict
from jackfield.journal.views import Query
from jackfield.notices.alarms import Alarms, Report
from jackfield.notices.notifiers import Notifiers
from jackfield.notices.texts import moment, notice_of
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.live import Pipelines
from jackfield.pipelines.modes import Modes
from jackfield.project.settings import ROOM, Project

_MB: Final = 1_000_000
_FIRST_SILENCE: Final = timedelta(minutes=5)
"""For so long after a start nobody is called silent: senders may have found nobody to send to."""
_GRACE: Final = 10.0


@dataclass(slots=True)
class Notices:
    """What the operator is told, from what happens in the host.

    The runner tells what became of runs; everything else is seen in a look every second.
    """

    project: Project
    pipelines: Pipelines
    modes: Modes
    arrivals: Mapping[str, int]
    """How many events have come in for each pipeline since the start."""
    about: Callable[[str], Awaitable[str]]
    """Says whom a run is about, as far as everybody may know. May raise `JournalError`."""
    journal: Journal
    now: Callable[[], datetime]
    phrasebooks: Mapping[str, Phrasebook]
    notifiers: Notifiers = field(init=False)
    _started_at: datetime = field(init=False)
    _alarms: Alarms = field(init=False)
    _arrivals: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """How many events of a pipeline had come in at the last look, and when the last of them was noticed."""

    def __post_init__(self) -> None:
        self.notifiers = Notifiers.load(self.project, self.pipelines.loader, self.pipelines.http, self.now)
        self._started_at = self.now()
        self._alarms = Alarms(self.project.settings.notices.window, self.now)

    def start(self) -> None:
        """Let the notifiers work. Called once, before anything is told."""
        self.notifiers.start()

    def settled(self, pipeline: str, run: str, verdict: Verdict) -> None:
        """Hear what became of a run. Costs next to nothing unless it failed."""
        if isinstance(verdict, Failed):
            self._alarms.failed(pipeline, verdict.error, run)
        elif not isinstance(verdict, RetryAt):
            self._alarms.succeeded(pipeline)

    def paused(self, pipeline: str, run: str, reason: str) -> None:
        """Hear that a pipeline was put on hold because its runs keep failing."""
        self._alarms.paused(pipeline, reason, run)

    def journal_seen(self, size: int, free: int) -> None:
        """Compare the journal's size, right after pruning, and the room on its disk with what they should be."""
        keep = self.project.settings.journal.keep.size
        if free < ROOM:
            self._alarms.begun(NoticeKind.JOURNAL, None, f"{free // _MB} MB are free on its disk")
        elif size > keep:
            what = f"{size // _MB} MB of {keep // _MB} MB are in use, and nothing that may go is left"
            self._alarms.begun(NoticeKind.JOURNAL, None, what)
        else:
            self._alarms.ended(NoticeKind.JOURNAL, None)

    async def pruned(self) -> None:
        """Look at the journal. Called right after pruning: what is there then has to stay."""
        self.journal_seen(await self.journal.size(), shutil.disk_usage(self.project.folder).free)

    async def look(self) -> None:
        """See what has changed, and hand over what is to be told by now."""
        pipelines = list(self.pipelines)
        for gone in self._alarms.pipelines() - {pipeline.id for pipeline in pipelines}:
            self._alarms.forget(gone)
        for pipeline in pipelines:
            self._look_for_blocks(pipeline)
            await self._look_for_silence(pipeline)
        self._look_for_damage()
        await self._tell()

    async def end(self) -> None:
        """Hand over what was counted and not told, and give the notifiers some seconds. Called once, after all runs."""
        await self._tell(all=True)
        await self.notifiers.end(min(self.project.settings.server.grace.total_seconds(), _GRACE))

    def _look_for_damage(self) -> None:
        if (trouble := self.journal.trouble()) is not None:
            self._alarms.begun(NoticeKind.DAMAGED, None, str(trouble))
        else:
            self._alarms.ended(NoticeKind.DAMAGED, None)

    def _look_for_blocks(self, pipeline: Pipeline) -> None:
        if pipeline.blocked:
            self._alarms.begun(NoticeKind.BLOCKED, pipeline.id, pipeline.blocked)
        else:
            self._alarms.ended(NoticeKind.BLOCKED, pipeline.id)

    async def _look_for_silence(self, pipeline: Pipeline) -> None:
        patience = pipeline.source.settings.silent_after if pipeline.source else None
        if patience is None:
            self._arrivals.pop(pipeline.id, None)
            self._alarms.ended(NoticeKind.SILENT, pipeline.id)
            return
        record, now = self.modes.get(pipeline.id), self.now()
        arrived = await self._arrived(pipeline.id, now)
        since = max(arrived, record.since or arrived)
        told = max(since + patience, self._started_at + min(patience, _FIRST_SILENCE))
        if record.mode is not Mode.STOPPED and now >= told:
            self._alarms.begun(NoticeKind.SILENT, pipeline.id, moment(arrived))
        else:
            self._alarms.ended(NoticeKind.SILENT, pipeline.id)

    async def _arrived(self, pipeline: str, now: datetime) -> datetime:
        """Say when an event last came in: since the start as counted, before it as the journal has it."""
        count, seen = self.arrivals.get(pipeline, 0), self._arrivals.get(pipeline)
        if seen is None:
            newest = (await self.journal.search(Query(pipeline=pipeline, limit=1))).runs
            seen = (count, newest[0].received_at if newest else self._started_at)
        elif count != seen[0]:
            seen = (count, now)
        self._arrivals[pipeline] = seen
        return seen[1]

    async def _tell(self, *, all: bool = False) -> None:
        """Hand over what is to be told, less the failed runs that were repaired or set aside meanwhile."""
        seen_to: set[str] = set()
        if runs := self._alarms.due_runs(all=all):
            with suppress(JournalError):
                found = await self.journal.glance(runs)
                seen_to = {one.id for one in found if one.state is State.FAILED and not one.stands}
        for report in self._alarms.due(all=all, seen_to=seen_to):
            self._hand_over(report, await self._about(report.run))

    async def _about(self, run: str | None) -> str:
        """Say whom a run is about, as far as everybody may know: a notice goes to who knows whom."""
        with suppress(JournalError):
            return await self.about(run) if run else ""
        return ""

    def _hand_over(self, report: Report, about: str) -> None:
        settings, mask = self.project.settings, self.pipelines.loader.mask
        said = self.phrasebooks.get(settings.notices.language, Phrasebook())
        link = f"{settings.public_url}/runs/{report.run}" if report.run else None
        told, title = replace(report, error=said(mask(report.error))), mask(self._title(report.pipeline))
        notice = notice_of(told, title, link, settings.notices.language, self.now(), about=mask(about))
        log = structlog.get_logger().bind(pipeline=report.pipeline, kind=report.kind, count=report.count)
        log.warning("the operator is told", subject=notice.subject)
        self.notifiers.put(notice)

    def _title(self, id: str | None) -> str:
        pipeline = self.pipelines.get(id) if id else None
        title = pipeline.title if pipeline else id or ""
        if isinstance(title, str):
            return title
        return title.get(self.project.settings.notices.language) or next(iter(title.values()), id or "")
