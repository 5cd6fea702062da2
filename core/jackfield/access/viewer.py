"""What somebody may see of the journal: an operator all of it, a viewer all but what the pipelines' `mask` names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from jackfield.access.redaction import Redactor
from jackfield.access.users import Role
from jackfield.components.values import Event
from jackfield.errors import BadRequest
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Refusal
from jackfield.journal.stored_requests import restored_request
from jackfield.journal.views import DuplicateEntry, Page, Query, RunSummary, RunView
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.document import event_document

_LONGEST_CHAIN: Final = 30
_LONGEST_BODY: Final = 64_000
_STRANGERS: Final = 404
_UNSEEN: Final = Redactor(None, ())


@dataclass(frozen=True, slots=True)
class JournalViewer:
    """Shows the journal to somebody with this role. Every method may raise `JournalUnavailable`.

    What a viewer is shown is decided by the current definition of a run's pipeline, whichever version it ran on. Where
    that cannot be read, or the pipeline is gone, everything is hidden that came with an event or was made of it.
    """

    journal: Journal
    pipeline: Callable[[str], Pipeline | None]
    role: Role

    def hides(self, pipeline: str) -> bool:
        """Tell whether something of this pipeline's runs is hidden."""
        found = self.pipeline(pipeline)
        return self.role is not Role.OPERATOR and (found is None or found.hidden is None or bool(found.hidden))

    def hides_all(self, pipeline: str) -> bool:
        """Tell whether all of this pipeline's runs is hidden."""
        found = self.pipeline(pipeline)
        return self.role is not Role.OPERATOR and (found is None or found.hidden is None)

    async def run(self, id: str) -> RunView | None:
        """Show one run."""
        view = await self.journal.run(id)
        if view is None or not self.hides(view.summary.pipeline):
            return view
        cover = await self._cover(view)
        return await asyncio.to_thread(cover.run, view)

    async def search(self, query: Query) -> Page:
        """List runs, newest first. Raises `BadRequest` for a text where it would tell what is hidden."""
        if query.text and query.text.strip() and not self.may_search(query.pipeline):
            raise BadRequest(
                "viewers can search for a text within one pipeline only, and not where it hides values (`mask`): "
                "whether there is a match would tell them"
            )
        page = await self.journal.search(query)
        return replace(page, runs=[await self._summary(run) for run in page.runs])

    def may_search(self, pipeline: str | None) -> bool:
        """Tell whether texts may be looked for here."""
        return self.role is Role.OPERATOR or (pipeline is not None and not self.hides(pipeline))

    async def refusals(self, pipeline: str | None = None, limit: int = 50, before: str | None = None) -> list[Refusal]:
        """List refused requests, newest first."""
        found = await self.journal.refusals(pipeline, limit, before)
        return [await self._refusal(refusal) for refusal in found]

    async def duplicates(
        self, pipeline: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[DuplicateEntry]:
        """List duplicates, newest first."""
        found = await self.journal.duplicates(pipeline, limit, before)
        return [await self._duplicate(one) for one in found]

    async def _summary(self, summary: RunSummary) -> RunSummary:
        if not (summary.error or summary.warnings or summary.label) or not self.hides(summary.pipeline):
            return summary
        view = await self.journal.run(summary.id)
        cover = await self._cover(view) if view else _UNSEEN
        return cover.summary(summary)

    async def _cover(self, view: RunView) -> Redactor:
        pipeline = self.pipeline(view.summary.pipeline)
        events = await self._events(view)
        if pipeline is None or events is None:
            return _UNSEEN
        return await asyncio.to_thread(Redactor, pipeline.hidden, events)

    async def _events(self, view: RunView) -> list[Event] | None:
        """Collect what the run knows of: its own event, those of the runs that it replays, the duplicates.

        A replay may have the results of steps that ran with another event. None if some of it is gone.
        """
        events = [view.event, *(one.event for one in view.duplicates)]
        origin = view.summary.replay_of
        for _ in range(_LONGEST_CHAIN):
            if origin is None:
                return events
            earlier = await self.journal.run(origin)
            if earlier is None:
                return None
            events.append(earlier.event)
            origin = earlier.summary.replay_of
        return None

    async def _refusal(self, refusal: Refusal) -> Refusal:
        """Show a refused request; where something is hidden, nothing is said of whom it is about."""
        pipeline, hides = self.pipeline(refusal.pipeline), self.hides(refusal.pipeline)
        if not hides and not _worth_reading(refusal):
            return refusal
        events = await asyncio.to_thread(_parsed, pipeline, refusal)
        if not hides:
            return replace(refusal, label=_label(pipeline, refusal, events[0])) if pipeline and events else refusal
        if pipeline is None or events is None:
            return _UNSEEN.refusal(refusal)
        return await asyncio.to_thread(lambda: Redactor(pipeline.hidden, events).refusal(refusal))

    async def _duplicate(self, one: DuplicateEntry) -> DuplicateEntry:
        if not self.hides(one.pipeline):
            return one
        pipeline = self.pipeline(one.pipeline)
        if pipeline is None:
            return replace(one, event=_UNSEEN.event(one.event))
        event = await asyncio.to_thread(lambda: Redactor(pipeline.hidden, [one.event]).event(one.event))
        return replace(one, event=event)


def _worth_reading(refusal: Refusal) -> bool:
    """Tell whether it can be said whom a request is about: not of a stranger's, nor of one that takes long."""
    request = refusal.request
    return refusal.status != _STRANGERS and not request.cut and len(request.body) <= _LONGEST_BODY


def _label(pipeline: Pipeline, refusal: Refusal, event: Event) -> str | None:
    document = event_document(pipeline, refusal.id, refusal.received_at, event)
    return pipeline.labeller.label(event, document, [])


def _parsed(pipeline: Pipeline | None, refusal: Refusal) -> Sequence[Event] | None:
    if pipeline is None or pipeline.source is None:
        return None
    try:
        return list(pipeline.source.source.parse(restored_request(refusal)))
    except Exception:  # noqa: BLE001 - a plugin's fault, or a request that cannot be read, which hides it
        return None
