"""How the host is: what needs somebody, and the figures."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Final

from jackfield.checks.certificate import CertificateState
from jackfield.checks.findings import (
    Finding,
    Mark,
    look_at_address,
    look_at_notifiers,
    look_at_plugins,
    look_at_secrets,
)
from jackfield.checks.health_texts import HealthIssue
from jackfield.clock import utc_now
from jackfield.errors import JournalError
from jackfield.host.host import Host
from jackfield.journal.views import Backlog
from jackfield.notices.notifiers import NotifierStatus
from jackfield.pipelines.definition import pipeline_file
from jackfield.project.settings import ROOM

_WAITS_LONG: Final = timedelta(minutes=10)
_ENDS_SOON: Final = timedelta(days=14)
_DRIFT: Final = timedelta(seconds=2)
_SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file when it has set the clock."""


@dataclass(slots=True)
class Clock:
    """Compares the machine's clock with one that nobody can set, from when this is made."""

    _began: float = field(default_factory=lambda: time.time() - time.monotonic())

    def drift(self) -> timedelta:
        """Return by how much the clock was set since then."""
        return timedelta(seconds=time.time() - time.monotonic() - self._began)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All that the page shows. `size` and `backlog` are None while the journal cannot be read."""

    troubles: Sequence[HealthIssue]
    free: int
    room: int
    size: int | None
    keep: int
    days: int
    backlog: Backlog | None
    notifiers: Sequence[NotifierStatus]
    public_url: str | None
    certificate: CertificateState | None
    now: datetime
    zone: str
    drift: timedelta | None
    synchronised: bool
    versions: Mapping[str, str]


async def health_report(host: Host, certificate: CertificateState | None, clock: Clock) -> HealthReport:
    """Look at all of it; that the journal cannot be read is one of the issues."""
    backlog: Backlog | None = None
    size: int | None = None
    broken = ""
    try:
        backlog, size = await host.journal.backlog(), await host.journal.size()
    except JournalError as error:
        broken = str(error)
    settings, now, drift = host.project.settings, utc_now(), clock.drift()
    free = shutil.disk_usage(host.project.folder).free
    issues = [
        *_of_journal(host, broken, size, free),
        *_of_runs(backlog, now),
        *_of_failures(backlog, host.notices.notifiers.statuses),
        *_of_findings(host),
        *_of_notifiers(host.notices.notifiers.statuses),
        *_of_certificate(certificate, now),
        *([HealthIssue.of("clock", f"{drift.total_seconds():+.0f} s", urgent=False)] if abs(drift) > _DRIFT else []),
    ]
    return HealthReport(
        troubles=sorted(_said_once(issues), key=lambda issue: not issue.urgent),
        free=free,
        room=ROOM,
        size=size,
        keep=settings.journal.keep.size,
        days=settings.journal.keep.days,
        backlog=backlog,
        notifiers=host.notices.notifiers.statuses,
        public_url=settings.server.public_url,
        certificate=certificate,
        now=now,
        zone=datetime.now().astimezone().tzname() or "",
        drift=drift if abs(drift) > _DRIFT else None,
        synchronised=_SYNCHRONISED.exists(),
        versions=_versions(),
    )


def _of_journal(host: Host, broken: str, size: int | None, free: int) -> Iterator[HealthIssue]:
    if host.fault is not None:
        yield HealthIssue.of("fault", host.fault)
    error = host.journal.trouble()
    if error is not None:
        yield HealthIssue.of_journal(error)
    elif broken:
        yield HealthIssue.of("journal", broken)
    if free < ROOM:
        yield HealthIssue.of("disk")
    if size is not None and size > host.project.settings.journal.keep.size:
        yield HealthIssue.of("size")


def _of_runs(backlog: Backlog | None, now: datetime) -> Iterator[HealthIssue]:
    if backlog and backlog.oldest and now - backlog.oldest > _WAITS_LONG:
        yield HealthIssue.of("backlog", urgent=False)


def _of_failures(backlog: Backlog | None, notifiers: Sequence[NotifierStatus]) -> Iterator[HealthIssue]:
    """Failed runs need somebody at once where no notice of them gets through to anybody."""
    if backlog and backlog.failures:
        told = any(one.failing_since is None for one in notifiers)
        counted = ", ".join(f"{pipeline}: {runs}" for pipeline, runs in sorted(backlog.failures.items()))
        yield HealthIssue.of("failures-note" if told else "failures", counted, urgent=not told)


def _said_once(issues: Sequence[HealthIssue]) -> list[HealthIssue]:
    """Leave out the advice to set notices up where it stands beside the failures that nobody was told of."""
    untold = any(issue.kind == "failures" for issue in issues)
    return [issue for issue in issues if not (untold and issue.kind == "notices-note")]


def _of_findings(host: Host) -> Iterator[HealthIssue]:
    notifiers = host.notices.notifiers
    findings: list[Finding] = [
        *look_at_plugins(host.registry.plugins),
        *look_at_secrets(host.project),
        *look_at_notifiers([one.name for one in notifiers.statuses], notifiers.problems),
        *look_at_address(host.project),
    ]
    for one in findings:
        if one.mark is not Mark.OK:
            kind = f"{one.what}-note" if one.mark is Mark.NOTE else one.what
            yield HealthIssue.of(kind, one.found, urgent=one.mark is Mark.WRONG)
    masks = {pipeline_file(pipeline.id): pipeline.mask for pipeline in host.pipelines}
    for name, problems in host.problems.items():
        mask = masks.get(name, host.pipelines.loader.mask)
        yield from (HealthIssue.of("file", mask(str(problem))) for problem in problems)


def _of_notifiers(statuses: Sequence[NotifierStatus]) -> Iterator[HealthIssue]:
    for one in statuses:
        if one.failing_since:
            yield HealthIssue.of("notifier", f"{one.name}: {one.error}")


def _of_certificate(state: CertificateState | None, now: datetime) -> Iterator[HealthIssue]:
    if state is None:
        return
    if state.error is not None:
        yield HealthIssue.of("tls" if state.reached else "tls-unseen", state.error, urgent=state.reached)
    elif state.valid_until is not None and state.valid_until - now < _ENDS_SOON:
        yield HealthIssue.of("tls-soon")


def _versions() -> Mapping[str, str]:
    return {
        "Jackfield": metadata.version("jackfield"),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
