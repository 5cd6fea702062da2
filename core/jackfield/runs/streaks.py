"""Puts a pipeline on hold when as many of its runs have failed in a row as its `pause_after` says."""

from __future__ import annotations

import structlog

from jackfield.errors import JournalError
from jackfield.journal.records import Failed, Mode, Skipped, Succeeded, Verdict
from jackfield.notices.watch import Notices
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.modes import Modes


class FailureStreaks:
    """How many runs of each pipeline have failed in a row, since the host started."""

    def __init__(self, modes: Modes, notices: Notices) -> None:
        self.modes = modes
        self.notices = notices
        self._failures: dict[str, int] = {}

    async def count(self, pipeline: Pipeline, run: str, verdict: Verdict) -> None:
        """Take note of how a run ended; raises nothing when the pipeline cannot be put on hold."""
        if isinstance(verdict, Succeeded | Skipped):
            self._failures.pop(pipeline.id, None)
        if not isinstance(verdict, Failed) or pipeline.pause_after is None:
            return
        failures = self._failures[pipeline.id] = self._failures.get(pipeline.id, 0) + 1
        if failures >= pipeline.pause_after and self.modes.get(pipeline.id).mode is Mode.RUNNING:
            await self._pause(pipeline.id, run, failures, verdict.error)

    async def _pause(self, pipeline: str, run: str, failures: int, reason: str) -> None:
        shown = f"put on hold after {failures} failed runs in a row; the last one is {run}"  # viewers see no error here
        log = structlog.get_logger().bind(pipeline=pipeline, reason=shown)
        try:
            await self.modes.set(pipeline, Mode.HELD, shown)
        except JournalError as error:  # the next failure asks again; this run's verdict must not be lost over it
            log.warning("pipeline could not be put on hold", error=str(error))
        else:
            self._failures.pop(pipeline, None)
            log.error("pipeline put on hold")
            self.notices.paused(pipeline, run, f"put on hold after {failures} failed runs in a row; {reason}")
