"""The file of a pipeline: read, checked, written and removed; and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.concurrency import run_in_threadpool

from jackfield.access.users import Role
from jackfield.checks.project import warnings_of
from jackfield.components.options import OptionsModel
from jackfield.errors import ConfigurationError, JackfieldError, NotFound
from jackfield.host.host import Host
from jackfield.journal.views import KeptVersion
from jackfield.masking import MASKED
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import Conflict, Draft, DraftFolder
from jackfield.pipelines.editing.restoring import bring_back
from jackfield.problems import Problem
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.project.toml_file import TomlFile
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note
from jackfield.web.forms.secret_placeholders import SecretKeeper, is_kept_in


class InvalidPipeline(ConfigurationError):  # noqa: N818 - the word is what is refused
    """A text is no pipeline that can run; nothing was written. Answered with 422."""


class Changed(JackfieldError):  # noqa: N818 - that is what it is
    """The file is not what the caller saw; `theirs` is what it is now, None if it is gone. Answered with 409."""

    def __init__(self, theirs: PipelineFile | None) -> None:
        super().__init__("the file was changed by somebody else meanwhile; look at it, then send its `base`")
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """A pipeline's file. Secrets that stand in it as they are have a stand-in here, which may be sent back.

    `base` is a hash of the file; whoever changes it says it, so that nobody's changes are lost.
    """

    text: str
    base: str


class FileBody(OptionsModel):
    """What the file is to be, and the `base` of what it is now; without one there must not be a file yet."""

    text: str
    base: str = ""


class RestoreBody(OptionsModel):
    """The `base` of what the file is now; without one there must not be a file."""

    base: str = ""


class TextBody(OptionsModel):
    """The text of a pipeline's file."""

    text: str


class DeleteQuery(OptionsModel):
    """The `base` of the file that is to be removed."""

    base: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a text; nothing, if it can run. `warnings` are what could be better."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """A version that the journal has, and when it was first kept; null if that was before this was noted down."""

    id: str
    since: datetime | None
    current: bool


@dataclass(frozen=True, slots=True)
class VersionText(PipelineVersion):
    """A version with the file as it was, without the secrets in it.

    A viewer is shown what it says, without comments and without every literal that may be a key. Where there is a
    mistake in it, which secrets are is not certain: then a viewer is shown `***` in place of all.
    """

    text: str


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/pipelines/{id}/file", show_file, secret=True),
        Endpoint("PUT", "/pipelines/{id}/file", put_file),
        Endpoint("DELETE", "/pipelines/{id}/file", delete_file, 204),
        Endpoint("POST", "/pipelines/{id}/check", check_text),
        Endpoint("GET", "/pipelines/{id}/versions", list_versions),
        Endpoint("GET", "/pipelines/{id}/versions/{version}", show_version),
        Endpoint("POST", "/pipelines/{id}/versions/{version}/restore", restore_version),
    ]


async def show_file(host: Host, keeper: SecretKeeper, id: str) -> PipelineFile:
    """Show the file of a pipeline, with the hash that is needed to change it."""
    return _shown(keeper, await _opened(host, id))


async def put_file(host: Host, keeper: SecretKeeper, note: Note, id: str, body: FileBody) -> PipelineFile:
    """Make a pipeline, or change it, if nothing is wrong with the text."""
    draft = await whole_draft(host, keeper, id, body.text)
    if problems := await _problems(host, draft):
        raise InvalidPipeline(problems)
    try:
        async with host.files.changing(pipeline_file(id), note.caller):
            saved = await run_in_threadpool(_folder(host).save, replace(draft, base=body.base))
    except Conflict as conflict:
        raise _changed(keeper, conflict) from None
    await host.reload()
    return _shown(keeper, saved)


async def delete_file(host: Host, keeper: SecretKeeper, note: Note, id: str, query: DeleteQuery) -> None:
    """Remove the file of a pipeline; what happened stays in the journal."""
    await _opened(host, id)
    try:
        async with host.files.changing(pipeline_file(id), note.caller):
            await run_in_threadpool(_folder(host).delete, id, query.base)
    except Conflict as conflict:
        raise _changed(keeper, conflict) from None
    await host.reload()


async def check_text(host: Host, keeper: SecretKeeper, id: str, body: TextBody) -> Checked:
    """Say what is wrong with a text as the file of a pipeline, without saving it."""
    draft = await whole_draft(host, keeper, id, body.text)
    return Checked(await _problems(host, draft), tuple(await warnings_of(host, draft)))


async def list_versions(host: Host, id: str) -> list[PipelineVersion]:
    """List the versions of a pipeline that the journal has, the newest first."""
    kept = [one for one in await host.journal.versions(id) if one.version.id]
    if not kept and host.pipelines.get(id) is None:
        raise NotFound(f"there is no pipeline {id}")
    return [PipelineVersion(one.version.id, one.since, _is_current(host, one)) for one in kept]


async def show_version(host: Host, keeper: SecretKeeper, role: Role, id: str, version: str) -> VersionText:
    """Show a version of a pipeline with its text."""
    found = next((one for one in await host.journal.versions(id) if one.version.id == version), None)
    if found is None:
        raise NotFound(f"there is no version {version} of pipeline {id} in the journal")
    file = TomlFile.parse(found.version.text, pipeline_file(id))
    pipeline = await run_in_threadpool(host.pipelines.loader.load, id, file)
    operator = role is Role.OPERATOR
    shown = keeper.hidden if operator else keeper.for_viewers
    text = pipeline.mask(shown(file.text)) if operator or not pipeline.problems else MASKED
    return VersionText(version, found.since, _is_current(host, found), text)


async def restore_version(
    host: Host, keeper: SecretKeeper, note: Note, *, id: str, version: str, body: RestoreBody
) -> PipelineFile:
    """Bring a version back: its text becomes the file, as a new change."""
    try:
        async with host.files.changing(pipeline_file(id), note.caller):
            saved = await bring_back(
                host.journal, _folder(host), host.pipelines.loader, id, version=version, base=body.base
            )
    except ConfigurationError as error:
        mask = host.pipelines.loader.mask
        raise InvalidPipeline([one.masked(mask) for one in error.problems]) from None
    except Conflict as conflict:
        raise _changed(keeper, conflict) from None
    await host.reload()
    return _shown(keeper, saved)


async def whole_draft(host: Host, keeper: SecretKeeper, id: str, text: str) -> Draft:
    """Begin a draft with a text, the secrets of the file back in it. Raises `BadId`, `ConfigurationError`, OSError."""
    file = await run_in_threadpool(_folder(host).open, id)
    return Draft(id, keeper.restored(text.replace("\r\n", "\n"), file.text if file else ""))


async def _problems(host: Host, draft: Draft) -> list[Problem]:
    loader, file = host.pipelines.loader, pipeline_file(draft.id)
    found = await run_in_threadpool(draft.problems, loader)
    gone = "the file does not have this secret any more; write it anew"
    found = (*found, *(Problem(file, line, "", gone) for line in is_kept_in(draft.text)))
    return [replace(one, key=loader.mask(one.key), message=loader.mask(one.message)) for one in found]


async def _opened(host: Host, id: str) -> Draft:
    draft = await run_in_threadpool(_folder(host).open, id)
    if draft is None:
        raise NotFound(f"there is no {pipeline_file(id)}")
    return draft


def _shown(keeper: SecretKeeper, draft: Draft) -> PipelineFile:
    return PipelineFile(keeper.hidden(draft.text), draft.base)


def _changed(keeper: SecretKeeper, conflict: Conflict) -> Changed:
    return Changed(_shown(keeper, conflict.theirs) if conflict.theirs else None)


def _folder(host: Host) -> DraftFolder:
    return DraftFolder(host.project.folder / PIPELINES_FOLDER)


def _is_current(host: Host, kept: KeptVersion) -> bool:
    pipeline = host.pipelines.get(kept.version.pipeline)
    return pipeline is not None and pipeline.version == kept.version.id
