"""What the operator is to be told, and when: alarms are gathered, throttled and taken back. There are no words here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from jackfield.components.values import NoticeKind

GATHERING: Final = timedelta(minutes=1)
"""How long failed runs are gathered before the first notice about them."""
KINDS: Final = 3
"""How many kinds of error of one pipeline have a notice of their own within a window; all others share one."""

_VARIES: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\S*[0-9@]\S*")
_LONGEST: Final = 200
_OTHERS: Final = "others"
_REMEMBERED: Final = 1_000
"""So many runs of an alarm are known by their ids when it is told; it is not asked what became of any others."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that the operator is to be told.

    `count` is how often it happened from `since` on; `error` and `run` are the first example. `in_row` is how many
    runs of the pipeline have failed one after the other by now, and `mended` says that one has succeeded since. Of
    what is over (`kind` is `RECOVERED`), `over` says what that was and `since` when the operator was told.
    """

    kind: NoticeKind
    pipeline: str | None
    since: datetime
    count: int = 1
    error: str = ""
    run: str | None = None
    in_row: int = 0
    mended: bool = False
    over: NoticeKind | None = None


@dataclass(slots=True)
class _Alarm:
    """What is counted of one kind. `report` is what will be said at `due`, None while there is nothing to say.

    `runs` are the first runs that are counted in it.
    """

    report: Report | None = None
    runs: list[str] = field(default_factory=list)
    due: datetime | None = None
    quiet_until: datetime | None = None


class Alarms:
    """All alarms of a host.

    Failed runs of a pipeline are gathered for a minute and told at once, one report for each kind of error; within
    `window` after that, further ones are only counted, and told when it ends. Any other alarm is a state, which is
    told when it begins, but not twice within `window`. What was told is taken back once, when it is over.
    """

    def __init__(self, window: timedelta, now: Callable[[], datetime]) -> None:
        self._window = window
        self._now = now
        self._alarms: dict[tuple[NoticeKind, str | None, str], _Alarm] = {}
        self._states: set[tuple[NoticeKind, str | None]] = set()
        self._told: dict[tuple[NoticeKind, str | None], datetime] = {}
        self._in_row: Counter[str] = Counter()
        self._over: list[Report] = []

    def failed(self, pipeline: str, error: str, run: str) -> None:
        """Count a run that failed for good."""
        self._in_row[pipeline] += 1
        now, alarm = self._now(), self._of_error(pipeline, error)
        if alarm.report is None:
            alarm.report = Report(NoticeKind.FAILED, pipeline, now, 0, error, run)
            alarm.due = max(now + GATHERING, alarm.quiet_until or now)
        alarm.report = replace(alarm.report, count=alarm.report.count + 1, mended=False)
        if len(alarm.runs) < _REMEMBERED:
            alarm.runs.append(run)

    def succeeded(self, pipeline: str) -> None:
        """Notice a run that did not fail. Costs next to nothing while none has failed."""
        if pipeline not in self._in_row:
            return
        del self._in_row[pipeline]
        for (kind, owner, _), alarm in self._alarms.items():
            if kind is NoticeKind.FAILED and owner == pipeline and alarm.report is not None:
                alarm.report = replace(alarm.report, mended=True)
        self._take_back(NoticeKind.PAUSED, pipeline)
        self._take_back(NoticeKind.FAILED, pipeline)

    def paused(self, pipeline: str, error: str, run: str) -> None:
        """Notice that a pipeline was put on hold; the next run that does not fail ends that."""
        self._states.discard((NoticeKind.PAUSED, pipeline))
        self.begun(NoticeKind.PAUSED, pipeline, error, run)

    def begun(self, kind: NoticeKind, pipeline: str | None, error: str, run: str | None = None) -> None:
        """Notice that a state is there; to be called as often as one likes while it lasts."""
        if (kind, pipeline) in self._states:
            return
        self._states.add((kind, pipeline))
        alarm, now = self._alarms.setdefault((kind, pipeline, ""), _Alarm()), self._now()
        if alarm.report is None:
            alarm.report = Report(kind, pipeline, now, 0, error, run, self._in_row[pipeline or ""])
            alarm.due = max(now, alarm.quiet_until or now)
        alarm.report = replace(alarm.report, count=alarm.report.count + 1)

    def ended(self, kind: NoticeKind, pipeline: str | None) -> None:
        """Notice that a state is over; if the operator was not told of it, there is nothing to say."""
        if (kind, pipeline) not in self._states:
            return
        self._states.discard((kind, pipeline))
        alarm = self._alarms[kind, pipeline, ""]
        alarm.report = alarm.due = None
        self._take_back(kind, pipeline)

    def forget(self, pipeline: str) -> None:
        """Say nothing more of a pipeline that is gone, except for what has failed."""
        for kind, owner in [state for state in self._states if state[1] == pipeline]:
            self._states.discard((kind, owner))
            self._alarms.pop((kind, owner, ""), None)
            self._told.pop((kind, owner), None)

    def pipelines(self) -> set[str]:
        """Name the pipelines that are in some state."""
        return {pipeline for _, pipeline in self._states if pipeline is not None}

    def due_runs(self, *, all: bool = False) -> list[str]:
        """Return the failed runs that `due()` would tell of."""
        now = self._now()
        return [
            run for alarm in self._alarms.values() if alarm.report and _is_due(alarm, now, all) for run in alarm.runs
        ]

    def due(self, *, all: bool = False, seen_to: Collection[str] = ()) -> list[Report]:
        """Return what is to be told now, or `all` that is to be told ever; what is returned counts as told.

        Failed runs that somebody has seen to by now are not told of.
        """
        now, reports = self._now(), self._over
        self._over = []
        for key, alarm in list(self._alarms.items()):
            if alarm.report is not None and _is_due(alarm, now, all):
                _leave_out(alarm, alarm.report, seen_to)
            if alarm.report is not None and _is_due(alarm, now, all):
                reports.append(self._tell(alarm, alarm.report, now))
            elif alarm.report is None and (alarm.quiet_until or now) <= now and key[:2] not in self._states:
                del self._alarms[key]
        return reports

    def _tell(self, alarm: _Alarm, report: Report, now: datetime) -> Report:
        alarm.report = alarm.due = None
        alarm.runs = []
        alarm.quiet_until = now + self._window
        if not report.mended:
            self._told.setdefault((report.kind, report.pipeline), now)
        return replace(report, in_row=self._in_row.get(report.pipeline or "", report.in_row))

    def _take_back(self, kind: NoticeKind, pipeline: str | None) -> None:
        told = self._told.pop((kind, pipeline), None)
        if kind is NoticeKind.PAUSED:
            self._forget_pause(pipeline)
            if told is not None:  # one word is enough for both
                self._told.pop((NoticeKind.FAILED, pipeline), None)
        if told is not None:
            self._over.append(Report(NoticeKind.RECOVERED, pipeline, told, over=kind))

    def _forget_pause(self, pipeline: str | None) -> None:
        self._states.discard((NoticeKind.PAUSED, pipeline))
        if alarm := self._alarms.get((NoticeKind.PAUSED, pipeline, "")):
            alarm.report = alarm.due = None

    def _of_error(self, pipeline: str, error: str) -> _Alarm:
        own = (NoticeKind.FAILED, pipeline, kind_of_error(error))
        if own not in self._alarms:
            known = sum(key[:2] == own[:2] for key in self._alarms)
            own = own if known < KINDS else (*own[:2], _OTHERS)
        return self._alarms.setdefault(own, _Alarm())


def _is_due(alarm: _Alarm, now: datetime, all: bool) -> bool:  # noqa: FBT001 - as the caller was told
    return alarm.due is not None and (all or alarm.due <= now)


def _leave_out(alarm: _Alarm, report: Report, seen_to: Collection[str]) -> None:
    """Take runs out of what will be said; if none are left, there is nothing to say."""
    left = [run for run in alarm.runs if run not in seen_to]
    count = report.count - (len(alarm.runs) - len(left))
    if len(left) < len(alarm.runs) and count > 0:
        alarm.report = replace(report, count=count, run=left[0] if left else report.run)
    elif len(left) < len(alarm.runs):
        alarm.report = alarm.due = None
    alarm.runs = left


def kind_of_error(error: str) -> str:
    """Leave out of an error what differs from run to run: what is quoted, and words with a digit or an @ in them."""
    return _VARIES.sub("…", " ".join(error[: 4 * _LONGEST].split()))[:_LONGEST]
