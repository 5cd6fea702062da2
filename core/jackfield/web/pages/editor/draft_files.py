"""Drafts between the browser and the files: secrets stay out of the one, and come back into the other."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from jackfield.errors import ConfigurationError, JournalUnavailable
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import BadId, Draft, DraftFolder
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.web.forms.secret_placeholders import SecretKeeper
from jackfield.web.state import host_of


def changing(request: Request, id: str) -> AbstractAsyncContextManager[None]:
    """Hold a pipeline's file while it is changed, and let the audit log know who does it."""
    return host_of(request).files.changing(pipeline_file(id), request.state.note.caller)


async def reloaded(request: Request) -> None:
    """Let the host take over what was saved, so that the next page shows it; if it cannot now, it does so soon."""
    with suppress(JournalUnavailable):
        await host_of(request).reload()


async def whole_draft(request: Request, draft: Draft) -> Draft:
    """Put the secrets of the file back into a draft."""
    try:
        file = await run_in_threadpool(folder_of(request).open, draft.id)
    except (ConfigurationError, OSError):  # what is there now is no file that could have had secrets
        file = None
    return replace(draft, text=keeper(request).restored(draft.text, file.text if file else ""))


async def opened_draft(request: Request) -> Draft:
    """Begin a draft with the file that the address names; there is no page if there is none."""
    try:
        draft = await run_in_threadpool(folder_of(request).open, request.path_params["id"])
    except (BadId, ConfigurationError, OSError):
        raise HTTPException(404) from None
    if draft is None:
        raise HTTPException(404)
    return replace(draft, text=keeper(request).hidden(draft.text))


def keeper(request: Request) -> SecretKeeper:
    """Return what keeps secrets of the files out of the browser."""
    return SecretKeeper(host_of(request).registry, request.app.state.session_key)


def folder_of(request: Request) -> DraftFolder:
    """Return the folder of the pipelines' files."""
    return DraftFolder(host_of(request).project.folder / PIPELINES_FOLDER)


def title_of(draft: Draft) -> Any:
    """Return a draft's title, in whichever languages it has one; its id if it has none."""
    title = (draft.data() or {}).get("title")
    if isinstance(title, dict):
        title = {str(key): value for key, value in title.items() if isinstance(value, str)}
    return title if title and isinstance(title, str | dict) else draft.id
