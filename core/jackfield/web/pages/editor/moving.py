"""Moving a key out of a pipeline's file: asks what the secret shall be called."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.errors import JackfieldError, JournalUnavailable, NotFound
from jackfield.journal.audit import AuditAction
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import BadId
from jackfield.pipelines.editing.secret_move import SecretMove, carry_out, plan_move
from jackfield.project.secrets import SECRETS_FILE
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of


def routes() -> list[Route]:
    """Return the routes of this module."""
    path = "/pipelines/{id}/move-secret"
    return [page_route(path, ask_for_name, Role.OPERATOR), form_route(path, move, action=AuditAction.SECRET_MOVED)]


async def ask_for_name(request: Request) -> Response:
    """Propose a name."""
    key = request.query_params.get("key", "")
    try:
        planned = await _planned(request, key, None)
    except (BadId, NotFound):
        raise HTTPException(404) from None
    except JackfieldError as error:
        return _page(request, key, "", str(error))
    return _page(request, key, planned.name)


async def move(request: Request) -> Response:
    """Move it, and go back to the editor."""
    id, form, host = request.path_params["id"], request.state.form, host_of(request)
    key, name = str(form.get("key", "")), str(form.get("name", "")).strip()
    try:
        planned = await _planned(request, key, name)
        async with host.files.changing(SECRETS_FILE, None), host.files.changing(pipeline_file(id), None):
            await run_in_threadpool(carry_out, host.project.folder, planned)
    except (BadId, NotFound):
        raise HTTPException(404) from None
    except JackfieldError as error:
        return _page(request, key, name, str(error))
    request.state.note.target, request.state.note.detail = pipeline_file(id), f"{key} is now secret {name}"
    with suppress(JournalUnavailable):
        await host.reload()
    return RedirectResponse(f"/pipelines/{quote(id, safe='')}/edit?saved", status_code=303)


async def _planned(request: Request, key: str, name: str | None) -> SecretMove:
    folder = host_of(request).project.folder
    return await run_in_threadpool(plan_move, folder, request.path_params["id"], key, name)


def _page(request: Request, key: str, name: str, error: str = "") -> Response:
    id = request.path_params["id"]
    pipeline = host_of(request).pipelines.get(id)
    title = pipeline.title if pipeline else id
    return page(request, "move_secret.html", 422 if error else 200, id=id, title=title, key=key, name=name, error=error)
