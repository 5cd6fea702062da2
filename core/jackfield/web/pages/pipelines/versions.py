"""The versions of a pipeline that the journal keeps, and what differs between any two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.errors import ConfigurationError, NotFound
from jackfield.host.host import Host
from jackfield.journal.views import KeptVersion
from jackfield.masking import MASKED
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.editing.drafts import BadId, Conflict, Draft
from jackfield.pipelines.editing.restoring import bring_back
from jackfield.project.toml_file import TomlFile
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.forms.secret_placeholders import SecretKeeper
from jackfield.web.pages.editor.draft_files import folder_of, keeper, reloaded
from jackfield.web.render.diff import Line, difference
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_STAND_IN: Final = re.compile("<kept secret [0-9a-f]{16}>")


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/pipelines/{id}/versions", show_versions),
        form_route("/pipelines/{id}/versions", restore),
    ]


async def restore(request: Request) -> Response:
    """Bring the version back that a button names, unless the file is not what the page was made of."""
    host, id, form = host_of(request), request.path_params["id"], request.state.form
    version, base = str(form.get("version", "")), str(form.get("base", ""))
    try:
        async with host.files.changing(pipeline_file(id), request.state.note.caller):
            await bring_back(host.journal, folder_of(request), host.pipelines.loader, id, version=version, base=base)
    except NotFound:
        raise HTTPException(404) from None
    except Conflict:
        return await show_versions(request, 409, wrong="conflict")
    except ConfigurationError as error:
        return await show_versions(request, 422, wrong=host.pipelines.loader.mask(str(error.problems[0])))
    except (BadId, OSError):
        return await show_versions(request, 409, wrong="unwritable")
    await reloaded(request)
    return RedirectResponse(f"/pipelines/{quote(id, safe='')}/versions?restored={quote(version)}", status_code=303)


async def show_versions(request: Request, status: int = 200, wrong: str = "") -> Response:
    """Compare two versions: `?old=` and `?new=`, without them the current one with the one before it.

    `wrong` is why a version could not be brought back.
    """
    host, id = host_of(request), request.path_params["id"]
    kept = [one for one in await host.journal.versions(id) if one.version.id]
    pipeline = host.pipelines.get(id)
    if not kept and pipeline is None:
        raise HTTPException(404)
    current = pipeline.version if pipeline else None
    asked = request.query_params
    old, new = _chosen(kept, asked.get("old"), asked.get("new", current))
    pipelines = [await run_in_threadpool(_loaded, host, one) for one in (old, new) if one]
    viewer = request.state.visitor.role is not Role.OPERATOR
    hidden = viewer and any(one.problems for one in pipelines)
    lines = [] if hidden else await run_in_threadpool(_lines, keeper(request), pipelines, viewer=viewer)
    title = pipeline.title if pipeline else id
    context = {"id": id, "title": title, "gone": pipeline is None, "current": current, "hidden": hidden}
    context |= {"file": await _file(request), "wrong": wrong, "restored": asked.get("restored", "")}
    return page(request, "versions.html", status, **context, kept=kept, old=old, new=new, lines=lines)


async def _file(request: Request) -> Draft | None:
    """Return the file as it is now, one without a text if it is gone; None if the pages cannot write it."""
    id = request.path_params["id"]
    try:
        return await run_in_threadpool(folder_of(request).open, id) or Draft(id, "")
    except (BadId, ConfigurationError, OSError):
        return None


def _chosen(
    kept: Sequence[KeptVersion], old: str | None, new: str | None
) -> tuple[KeptVersion | None, KeptVersion | None]:
    """Find the two versions; one that is not asked for, or not kept, is the one kept last, or before the other."""
    ids = [one.version.id for one in kept]
    newer = ids.index(new) if new in ids else 0
    older = ids.index(old) if old in ids else newer + 1
    return _at(kept, older), _at(kept, newer)


def _at(kept: Sequence[KeptVersion], place: int) -> KeptVersion | None:
    return kept[place] if place < len(kept) else None


def _loaded(host: Host, kept: KeptVersion) -> Pipeline:
    version = kept.version
    return host.pipelines.loader.load(version.pipeline, TomlFile.parse(version.text, pipeline_file(version.pipeline)))


def _lines(secrets: SecretKeeper, pipelines: Sequence[Pipeline], *, viewer: bool) -> list[Line]:
    """Compare two files as they were, without the secrets that stand in them; a viewer sees fewer literals.

    A mistake in a table keeps the loader from telling its secrets; those of a plugin that is gone are guessed.
    """
    shown = secrets.for_viewers if viewer else secrets.hidden
    texts = [one.mask(_STAND_IN.sub(MASKED, shown(one.text))) for one in pipelines]
    return difference(*texts) if len(texts) > 1 else []
