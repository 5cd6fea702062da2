"""The modes of pipelines, as the journal has them and as the host knows them at any moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jackfield.components.values import Text
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Mode, ModeRecord
from jackfield.pipelines.definition import Pipeline

_RUNNING: Final = ModeRecord()


class Modes:
    """Keeps the modes at hand, for they are asked for with every request."""

    def __init__(self, journal: Journal, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._now = now
        self._records: Mapping[str, ModeRecord] = {}

    def get(self, pipeline: str) -> ModeRecord:
        """Return a pipeline's mode, as last seen."""
        return self._records.get(pipeline, _RUNNING)

    async def refresh(self) -> None:
        """See what another process has set."""
        self._records = await self._journal.modes()

    async def set(self, pipeline: str, mode: Mode, reason: str) -> None:
        """Set a pipeline's mode; it holds from the next request and run on."""
        await self._journal.set_mode(pipeline, mode, reason=reason, at=self._now())
        await self.refresh()
        await self._journal.wake()


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """Which pipeline this is, and whether it runs; the same from the command line and from the API."""

    id: str
    title: Text
    version: str
    mode: Mode
    mode_since: datetime | None
    mode_reason: str
    blocked: str | None


def pipeline_status(pipeline: Pipeline, record: ModeRecord) -> PipelineStatus:
    """Sum up a pipeline that is in this mode."""
    return PipelineStatus(
        id=pipeline.id,
        title=pipeline.title,
        version=pipeline.version,
        mode=record.mode,
        mode_since=record.since,
        mode_reason=record.reason,
        blocked=pipeline.blocked and pipeline.mask(pipeline.blocked),
    )
