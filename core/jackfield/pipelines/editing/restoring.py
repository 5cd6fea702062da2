"""Brings an earlier version of a pipeline back: its text becomes the file once more, as a new change."""

from __future__ import annotations

import asyncio

from jackfield.errors import ConfigurationError, NotFound
from jackfield.journal.protocol import Journal
from jackfield.pipelines.editing.drafts import Draft, DraftFolder
from jackfield.pipelines.loader import PipelineLoader


async def bring_back(
    journal: Journal, folder: DraftFolder, loader: PipelineLoader, id: str, *, version: str, base: str
) -> Draft:
    """Write the text of a version into the pipeline's file, comments included; `base` is the hash of what it is now.

    Raises `NotFound` if the journal does not have the version, `ConfigurationError` if it could not run now,
    `Conflict` if the file is something else than what the caller saw, `BadId` and OSError.
    """
    found = await journal.version(id, version) if version else None
    if found is None:
        raise NotFound(f"there is no version {version} of pipeline {id} in the journal")
    draft = Draft(id, found.text.replace("\r\n", "\n"), base)
    if problems := await asyncio.to_thread(draft.problems, loader):
        raise ConfigurationError(problems)
    return await asyncio.to_thread(folder.save, draft)
