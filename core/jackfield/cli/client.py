"""Where commands find runs and pipelines: in the project folder and its journal, or at a host that is far away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol, TypeAlias

import typer

from jackfield.access.file_audit import content_hash
from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.cli.audit_notes import command_entry
from jackfield.cli.local import Workspace, open_journal
from jackfield.cli.remote import remote_desk
from jackfield.clock import utc_now
from jackfield.components.values import JsonObject
from jackfield.errors import NotFound
from jackfield.journal.audit import AuditAction
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Mode, ModeRecord, Refusal, SetAside
from jackfield.journal.views import Page, Query, RunView
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import DraftFolder
from jackfield.pipelines.editing.restoring import bring_back
from jackfield.pipelines.modes import PipelineStatus, pipeline_status
from jackfield.pipelines.sender import Address, sender_address
from jackfield.project.server_keys import Addresses
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.runs.intake import Intake
from jackfield.runs.metrics import Metrics
from jackfield.runs.replay import On, Replays
from jackfield.web.api.endpoints.files import PipelineVersion
from jackfield.web.auth.callers import mode_words, replayed_as

UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="JACKFIELD_URL",
        help="A host that runs elsewhere, instead of the project folder. Its API token is read from JACKFIELD_TOKEN.",
    ),
]


class Client(Protocol):
    """What an operator does, wherever the host is. Raises `JackfieldError`, as its parts say."""

    async def pipelines(self) -> Sequence[PipelineStatus]:
        """List the pipelines."""

    async def pipeline(self, id: str) -> PipelineStatus | None:
        """Find one."""

    async def address(self, id: str) -> Address:
        """Say where the sender of a pipeline's events sends to."""

    async def set_mode(self, id: str, mode: Mode, reason: str) -> None:
        """Start, hold or stop a pipeline."""

    async def versions(self, id: str) -> Sequence[PipelineVersion]:
        """List the versions of a pipeline that the journal has."""

    async def restore(self, id: str, version: str) -> None:
        """Bring one of them back."""

    async def search(self, query: Query) -> Page:
        """List runs."""

    async def run(self, id: str) -> RunView | None:
        """Show a run."""

    async def refusals(self, pipeline: str | None, limit: int) -> Sequence[Refusal]:
        """List refused requests."""

    async def replay(self, id: str, *, from_step: str | None, on: On, event: JsonObject | None) -> Sequence[str]:
        """Replay a run, or accept a refused request."""

    async def cancel(self, id: str) -> bool:
        """End a run that is not settled."""

    async def set_aside(self, id: str, note: str | None) -> None:
        """Note that nothing is to be done about a failed run; None: that something is after all."""


@asynccontextmanager
async def open_desk(folder: Path, url: str | None) -> AsyncIterator[Client]:
    """Open the project in a folder, or the host at `url` if there is one."""
    if url is not None:
        async with remote_desk(url) as far:
            yield far
        return
    workspace = Workspace.open(folder)
    async with open_journal(workspace.project) as journal:
        yield _LocalDesk(workspace, journal)


@dataclass(frozen=True, slots=True)
class _LocalDesk:
    """The project folder of this machine, whether or not a host works on it."""

    workspace: Workspace
    journal: Journal

    async def pipelines(self) -> Sequence[PipelineStatus]:
        modes = await self.journal.modes()
        found = [self.workspace.pipeline(id) for id in self.workspace.project.pipeline_files()]
        return [pipeline_status(one, modes.get(one.id, ModeRecord())) for one in found]

    async def pipeline(self, id: str) -> PipelineStatus | None:
        found, modes = self.workspace.find(id), await self.journal.modes()
        return pipeline_status(found, modes.get(id, ModeRecord())) if found else None

    async def address(self, id: str) -> Address:
        project = self.workspace.project
        return sender_address(project, Addresses.load(project.var), self.workspace.pipeline(id))

    async def set_mode(self, id: str, mode: Mode, reason: str) -> None:
        self.workspace.pipeline(id)
        await self.journal.set_mode(id, mode, reason=reason, at=utc_now())
        await self._noted(AuditAction.MODE, id, mode_words(mode, reason))

    async def versions(self, id: str) -> Sequence[PipelineVersion]:
        found, kept = self.workspace.find(id), await self.journal.versions(id)
        if not kept and found is None:
            raise NotFound(f"there is no pipeline {id}")
        current = found.version if found else ""
        return [PipelineVersion(one.version.id, one.since, one.version.id == current) for one in kept if one.version.id]

    async def restore(self, id: str, version: str) -> None:
        folder = DraftFolder(self.workspace.project.folder / PIPELINES_FOLDER)
        file = folder.open(id)
        saved = await bring_back(
            self.journal, folder, self.workspace.loader, id, version=version, base=file.base if file else ""
        )
        said = command_entry(
            AuditAction.FILE_CHANGED, pipeline_file(id), f"version {version} again", content=content_hash(saved.text)
        )
        await self.journal.note(said)

    async def search(self, query: Query) -> Page:
        return await self.journal.search(query)

    async def run(self, id: str) -> RunView | None:
        return await self.journal.run(id)

    async def refusals(self, pipeline: str | None, limit: int) -> Sequence[Refusal]:
        return await JournalViewer(self.journal, self.workspace.find, Role.OPERATOR).refusals(pipeline, limit)

    async def replay(self, id: str, *, from_step: str | None, on: On, event: JsonObject | None) -> Sequence[str]:
        runs = await self._operations().replay(id, from_step=from_step, on=on, event=event)
        refused = await self.journal.refusal(id) is not None
        action = AuditAction.REQUEST_ACCEPTED if refused else AuditAction.RUN_REPLAYED
        await self._noted(action, id, replayed_as(runs, from_step, on, edited=event is not None))
        return runs

    async def cancel(self, id: str) -> bool:
        cancelled = await self.journal.cancel(id)
        if cancelled:
            await self._noted(AuditAction.RUN_CANCELLED, id)
        return cancelled

    async def set_aside(self, id: str, note: str | None) -> None:
        action = AuditAction.RUN_TAKEN_BACK if note is None else AuditAction.RUN_SET_ASIDE
        entry = command_entry(action, id, self.workspace.loader.mask(note or ""))
        await self._operations().set_aside(id, None if note is None else SetAside(entry.at, entry.actor, note))
        await self.journal.note(entry)

    async def _noted(self, action: AuditAction, target: str, detail: str = "") -> None:
        await self.journal.note(command_entry(action, target, self.workspace.loader.mask(detail)))

    def _operations(self) -> Replays:
        return Replays(self.journal, Intake(self.journal, Metrics(), utc_now), self.workspace.find, utc_now)
