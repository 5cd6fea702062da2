"""Puts the API together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.tokens import InvalidToken, InvalidTokenReason, Tokens
from jackfield.access.users import InvalidUser, InvalidUserReason
from jackfield.checks.certificate import PublicCertificate
from jackfield.checks.health import Clock
from jackfield.errors import (
    BadRequest,
    ConfigurationError,
    JackfieldError,
    JournalError,
    JournalUnavailable,
    NotFound,
)
from jackfield.host.host import Host
from jackfield.pipelines.editing.drafts import BadId
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.api.endpoint import Endpoint, TooLarge
from jackfield.web.api.endpoints import (
    activity,
    audit,
    bulk,
    files,
    pipelines,
    runs,
    secrets,
    system,
    tokens,
    trials,
    users,
)
from jackfield.web.api.endpoints.files import Changed, InvalidPipeline
from jackfield.web.api.openapi import openapi_document
from jackfield.web.auth.password_check import PasswordChecker
from jackfield.web.auth.session import SESSION_KEY_FILE
from jackfield.web.forms.secret_placeholders import SecretKeeper

API_PATH: Final = "/api/v1"

_STATUS: Final[Mapping[type[Exception], int]] = {
    NotFound: 404,
    JournalUnavailable: 503,
    JournalError: 422,
    TooLarge: 413,
    BadRequest: 422,
    BadId: 422,
    InvalidPipeline: 422,
}
"""What an error is answered with, the first that fits; any other error is 409."""
_OF_USERS: Final[Mapping[InvalidUserReason, int]] = {
    InvalidUserReason.UNKNOWN: 404,
    InvalidUserReason.TAKEN: 409,
    InvalidUserReason.LAST: 409,
}
_OF_TOKENS: Final[Mapping[InvalidTokenReason, int]] = {InvalidTokenReason.TAKEN: 409, InvalidTokenReason.MANY: 409}
"""The status for each reason why a user or a token is refused; any other reason is 422."""


def api_endpoints() -> Sequence[Endpoint]:
    """Return every endpoint of the API."""
    modules = (pipelines, files, trials, activity, runs, bulk, secrets, users, tokens, audit, system)
    return [endpoint for module in modules for endpoint in module.endpoints()]


def api_application(host: Host, door: PasswordChecker) -> Starlette:
    """Make the application that answers below `/api/v1`; `door` is the pages', for both together hash passwords."""
    operations = api_endpoints()

    @cache
    def document() -> bytes:
        return to_json(openapi_document(operations, API_PATH))

    async def show_document(_request: Request) -> Response:
        body = await run_in_threadpool(document)  # the first time, it takes a tenth of a second
        return Response(body, media_type="application/json")

    application = Starlette(
        routes=[Route("/openapi.json", show_document), *(one.route() for one in operations)],
        exception_handlers={JackfieldError: _failure, OSError: _unwritable, HTTPException: _not_for_this_path},
    )
    application.router.redirect_slashes = False  # it would lead to whatever the request says that the host is called
    application.state.host, application.state.kept = host, _kept(host, door)
    return application


def _kept(host: Host, door: PasswordChecker) -> Mapping[str, Any]:
    """Make what operations share, by the names of their parameters."""
    key = read_or_make_secret(host.project.var / SESSION_KEY_FILE)  # the editor's: what stands in for a secret is equal
    return {
        "keeper": SecretKeeper(host.registry, key),
        "users": door.users,
        "door": door,
        "tokens": Tokens(host.project.var),
        "certificate": PublicCertificate(),
        "clock": Clock(),
    }


async def _failure(_request: Request, error: Exception) -> Response:
    more: dict[str, Any] = {}
    if isinstance(error, ConfigurationError):
        more["problems"] = error.problems
    if isinstance(error, Changed):
        more["theirs"] = error.theirs
    return _error(str(error), _status(error), **more)


async def _unwritable(_request: Request, error: Exception) -> Response:
    reason = error.strerror if isinstance(error, OSError) else None
    return _error(f"the host cannot read or write a file of its project: {reason or error}", 503)


def _status(error: Exception) -> int:
    if isinstance(error, InvalidUser):
        return _OF_USERS.get(error.reason, 422)
    if isinstance(error, InvalidToken):
        return _OF_TOKENS.get(error.reason, 422)
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)


async def _not_for_this_path(request: Request, error: Exception) -> Response:
    """Answer what no route answers: an unknown path, or a method that a path does not take."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = "is not a path of the API" if status == 404 else f"does not take {request.method}"  # noqa: PLR2004
    response = _error(f"{request.url.path} {what}", status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _error(message: str, status: int, **more: Any) -> Response:
    return Response(to_json({"error": message, **more}), status_code=status, media_type="application/json")
