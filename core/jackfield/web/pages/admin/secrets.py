"""The secrets of the project: their names and uses. A value goes in, and never comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.checks.secret_uses import secret_rows
from jackfield.errors import ConfigurationError, JournalError
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.project.secrets import SECRET_NAME, SECRETS_FILE
from jackfield.project.secrets_file import delete_secret, put_secret
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.forms.fields import one_line_end
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of


@dataclass(frozen=True, slots=True)
class Done:
    """What was done before the page was shown; `later` if it is not in use yet."""

    set: str = ""
    deleted: str = ""
    later: bool = False

    @classmethod
    def read(cls, said: Mapping[str, str]) -> Done:
        """Read it from the address; anybody may have written that, so each has to be a name."""
        chosen, deleted = (
            name if SECRET_NAME.fullmatch(name) else "" for name in (said.get("set", ""), said.get("deleted", ""))
        )
        return cls(chosen, deleted, later="later" in said)


_NOTHING_DONE: Final = Done()


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/secrets", show_secrets, Role.OPERATOR),
        form_route("/secrets", set_secret, action=AuditAction.SECRET_SET),
        form_route("/secrets/{name}/delete", remove_secret, action=AuditAction.SECRET_REMOVED),
    ]


async def show_secrets(request: Request) -> Response:
    """Show every secret that is set or that a file names."""
    return await _page(request, done=Done.read(request.query_params))


async def set_secret(request: Request) -> Response:
    """Set a secret, or replace it, and take it over at once."""
    form, host = request.state.form, host_of(request)
    name = str(form.get("name", "")).strip()
    line, lines = (one_line_end(str(form.get(field, ""))).strip() for field in ("value", "lines"))
    value = line or lines
    if wrong := "name" if not SECRET_NAME.fullmatch(name) else "both" if line and lines else "" if value else "value":
        return await _page(request, 422, name=name, wrong=wrong)
    try:
        async with host.files.changing(SECRETS_FILE, None):
            await run_in_threadpool(put_secret, host.project.folder, name, value)
    except ValueError:
        return await _page(request, 422, name=name, wrong="value")
    except (ConfigurationError, OSError) as error:
        return await _page(request, 500, name=name, wrong="file", detail=_reason(error))
    request.state.note.target = name
    return await _taken_over(host, f"/secrets?set={name}")


async def remove_secret(request: Request) -> Response:
    """Take a secret out of the file."""
    name, host = request.path_params["name"], host_of(request)
    try:
        async with host.files.changing(SECRETS_FILE, None):
            await run_in_threadpool(delete_secret, host.project.folder, name)
    except (ConfigurationError, OSError) as error:
        return await _page(request, 500, wrong="file", detail=_reason(error))
    return await _taken_over(host, f"/secrets?deleted={name}" if SECRET_NAME.fullmatch(name) else "/secrets")


async def _taken_over(host: Host, path: str) -> Response:
    try:
        await host.reload()
    except JournalError:
        path += "&later=1"
    return RedirectResponse(path, status_code=303)


def _reason(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) else str(error)


async def _page(
    request: Request,
    status: int = 200,
    *,
    name: str = "",
    wrong: str = "",
    detail: str = "",
    done: Done = _NOTHING_DONE,
) -> Response:
    host = host_of(request)
    rows = sorted(await run_in_threadpool(lambda: list(secret_rows(host))), key=lambda row: (not row.missing, row.name))
    problems = [*host.problems.get(SECRETS_FILE, ()), *host.project.secrets.warnings]
    context = {"rows": rows, "problems": problems, "name": name, "wrong": wrong, "detail": detail, "done": done}
    return page(request, "secrets.html", status, **context)
