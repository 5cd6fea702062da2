"""The versions of a pipeline that the journal keeps, and what differs between any two."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.host import Host
from jackfield.journal.records import KeptVersion
from jackfield.pipeline import pipeline_file
from jackfield.tomlfile import TomlFile
from jackfield.web.health import host_of
from jackfield.web.pages.access import view
from jackfield.web.pages.difference import difference
from jackfield.web.pages.rendering import page


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [view("/pipelines/{id}/versions", show_versions)]


async def show_versions(request: Request) -> Response:
    """Compare two versions: `?old=` and `?new=`, without them the current one with the one before it."""
    host, id = host_of(request), request.path_params["id"]
    kept = [one for one in await host.journal.versions(id) if one.version.id]
    pipeline = host.pipelines.get(id)
    if not kept and pipeline is None:
        raise HTTPException(404)
    current = pipeline.version if pipeline else None
    asked = request.query_params
    old, new = _chosen(kept, asked.get("old"), asked.get("new", current))
    lines = await run_in_threadpool(difference, _text(host, old), _text(host, new)) if old and new else []
    title = pipeline.title if pipeline else id
    context = {"id": id, "title": title, "gone": pipeline is None, "current": current}
    return page(request, "versions.html", **context, kept=kept, old=old, new=new, lines=lines)


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


def _text(host: Host, kept: KeptVersion) -> str:
    """Return the file as it was, without the secrets that stand in it."""
    version = kept.version
    file = TomlFile.parse(version.text, pipeline_file(version.pipeline))
    return host.pipelines.loader.load(version.pipeline, file).mask(version.text)
