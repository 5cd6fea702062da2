"""Puts the API together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.errors import BadRequest, JackfieldError, JournalError, JournalUnavailable, UnknownRun
from jackfield.host import Host
from jackfield.web.api import pipelines, runs, system
from jackfield.web.api.openapi import openapi_document
from jackfield.web.api.operation import Operation

API_PATH: Final = "/api/v1"

_STATUS: Final[Mapping[type[Exception], int]] = {
    UnknownRun: 404,
    JournalUnavailable: 503,
    JournalError: 422,
    BadRequest: 422,
}
"""What an error is answered with, the first that fits; any other error is 409."""


def api_operations() -> Sequence[Operation]:
    """Return every operation of the API."""
    return [*pipelines.operations(), *runs.operations(), *system.operations()]


def api_application(host: Host) -> Starlette:
    """Make the application that answers below `/api/v1`."""
    operations = api_operations()
    document = to_json(openapi_document(operations, API_PATH))

    async def show_document(_request: Request) -> Response:
        return Response(document, media_type="application/json")

    application = Starlette(
        routes=[Route("/openapi.json", show_document), *(one.route() for one in operations)],
        exception_handlers={JackfieldError: _failure, HTTPException: _not_for_this_path},
    )
    application.state.host = host
    return application


async def _failure(_request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    return _error(str(error), status)


async def _not_for_this_path(request: Request, error: Exception) -> Response:
    """Answer what no route answers: an unknown path, or a method that a path does not take."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = "is not a path of the API" if status == 404 else f"does not take {request.method}"  # noqa: PLR2004
    response = _error(f"{request.url.path} {what}", status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _error(message: str, status: int) -> Response:
    return Response(to_json({"error": message}), status_code=status, media_type="application/json")
