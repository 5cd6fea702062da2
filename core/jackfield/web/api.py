"""`/api/v1`: what the journal holds, and what an operator may do, as JSON, behind the token in `var/api.token`."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import AwareDatetime, Field, JsonValue, ValidationError
from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from jackfield.components import OptionsModel
from jackfield.errors import BadRequest, JackfieldError, JournalError, JournalUnavailable, PluginError, UnknownRun
from jackfield.host import Host
from jackfield.journal.records import Mode, Query, State
from jackfield.modes import pipeline_status
from jackfield.operations import On, Operations
from jackfield.options import complaints
from jackfield.pipeline import Pipeline, pipeline_file
from jackfield.sender import sender_address
from jackfield.tomlfile import dotted
from jackfield.web.health import host_of

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
_ModelT = TypeVar("_ModelT", bound=OptionsModel)
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class RunsQuery(OptionsModel):
    """The parameters of `GET /runs`."""

    pipeline: str | None = None
    state: State | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    search: str | None = None
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


class RefusalsQuery(OptionsModel):
    """The parameters of `GET /refusals`."""

    pipeline: str | None = None
    limit: int = Field(default=50, ge=1, le=1000)


class ReplayBody(OptionsModel):
    """The body of `POST /runs/{id}/replay`."""

    from_step: str | None = None
    on: On = "current"
    event: dict[str, JsonValue] | None = None


class ModeBody(OptionsModel):
    """The body of `PUT /pipelines/{id}/mode`."""

    mode: Mode
    reason: str = ""


async def list_pipelines(request: Request) -> Response:
    """List the pipelines with their modes and what is wrong with them."""
    return _json([_pipeline(request, pipeline) for pipeline in host_of(request).pipelines])


async def show_pipeline(request: Request) -> Response:
    """Show one pipeline."""
    return _json(_pipeline(request, _known_pipeline(request)))


async def show_address(request: Request) -> Response:
    """Say where the sender of a pipeline's events sends to, and how it is set up."""
    host = host_of(request)
    return _json(sender_address(host.project, host.addresses, _known_pipeline(request)))


async def set_mode(request: Request) -> Response:
    """Start, hold or stop a pipeline."""
    pipeline, body = _known_pipeline(request), await _body(request, ModeBody)
    await host_of(request).modes.set(pipeline.id, body.mode, body.reason)
    return _json(_pipeline(request, pipeline))


async def list_runs(request: Request) -> Response:
    """List runs, newest first."""
    asked = _validated(RunsQuery, dict(request.query_params))
    states = frozenset({asked.state}) if asked.state else frozenset[State]()
    query = Query(asked.pipeline, states, asked.since, asked.until, asked.search, asked.cursor, asked.limit)
    return _json(await host_of(request).journal.search(query))


async def show_run(request: Request) -> Response:
    """Show one run with everything that happened to it."""
    view = await host_of(request).journal.run(request.path_params["id"])
    if view is None:
        raise UnknownRun(f"there is no run {request.path_params['id']}")
    return _json(view)


async def replay_run(request: Request) -> Response:
    """Replay a run, or accept a refused request."""
    host, body = host_of(request), await _body(request, ReplayBody)
    operations = Operations(host.journal, host.intake, host.pipelines.get, host.intake.now)
    runs = await operations.replay(request.path_params["id"], from_step=body.from_step, on=body.on, event=body.event)
    return _json({"runs": runs}, status=201)


async def cancel_run(request: Request) -> Response:
    """Cancel a run that is not settled."""
    return _json({"cancelled": await host_of(request).journal.cancel(request.path_params["id"])})


async def retry_run(request: Request) -> Response:
    """Make a run due that waits for its next attempt."""
    return _json({"due": await host_of(request).journal.retry_now(request.path_params["id"])})


async def list_refusals(request: Request) -> Response:
    """List refused requests, newest first."""
    asked = _validated(RefusalsQuery, dict(request.query_params))
    return _json(await host_of(request).journal.refusals(asked.pipeline, asked.limit))


async def list_notifiers(request: Request) -> Response:
    """Say how each notifier does, and what is wrong with those that cannot be used."""
    notifiers = host_of(request).notices.notifiers
    return _json({"notifiers": notifiers.statuses, "problems": [str(problem) for problem in notifiers.problems]})


async def metrics(request: Request) -> Response:
    """Show the host's counters in Prometheus's format."""
    host = host_of(request)
    page = host.metrics.page(await host.journal.backlog(), await host.journal.size())
    return Response(page, media_type=_METRICS_TYPE)


class TokenRequired:
    """Lets through what carries the API token: `Authorization: Bearer <token>`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        if hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer":
            await self._app(scope, receive, send)
        else:
            response = _json({"error": "send the token in var/api.token as `Authorization: Bearer ...`"}, status=401)
            response.headers["www-authenticate"] = "Bearer"
            await response(scope, receive, send)


def api_application(host: Host) -> Starlette:
    """Make the application that answers below `/api/v1`."""
    routes = [
        Route("/pipelines", list_pipelines),
        Route("/pipelines/{id}", show_pipeline),
        Route("/pipelines/{id}/address", show_address),
        Route("/pipelines/{id}/mode", set_mode, methods=["PUT"]),
        Route("/runs", list_runs),
        Route("/runs/{id}", show_run),
        Route("/runs/{id}/replay", replay_run, methods=["POST"]),
        Route("/runs/{id}/cancel", cancel_run, methods=["POST"]),
        Route("/runs/{id}/retry", retry_run, methods=["POST"]),
        Route("/refusals", list_refusals),
        Route("/notifiers", list_notifiers),
    ]
    application = Starlette(
        routes=routes, exception_handlers={JackfieldError: _failure, HTTPException: _not_for_this_path}
    )
    application.state.host = host
    return application


async def _failure(_request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    return _json({"error": str(error)}, status=status)


async def _not_for_this_path(request: Request, error: Exception) -> Response:
    """Answer what no route answers: an unknown path, or a method that a path does not take."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = "is not a path of the API" if status == 404 else f"does not take {request.method}"  # noqa: PLR2004
    response = _json({"error": f"{request.url.path} {what}"}, status=status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


_STATUS: Final[dict[type[Exception], int]] = {
    UnknownRun: 404,
    JournalUnavailable: 503,
    JournalError: 422,
    BadRequest: 422,
}


def _known_pipeline(request: Request) -> Pipeline:
    pipeline = host_of(request).pipelines.get(request.path_params["id"])
    if pipeline is None:
        raise UnknownRun(f"there is no pipeline {request.path_params['id']}")
    return pipeline


def _pipeline(request: Request, pipeline: Pipeline) -> dict[str, object]:
    host = host_of(request)
    return {
        **asdict(pipeline_status(pipeline, host.modes.get(pipeline.id))),
        "problems": [str(problem) for problem in host.problems.get(pipeline_file(pipeline.id), ())],
        "address": _address(host, pipeline),
    }


def _address(host: Host, pipeline: Pipeline) -> str | None:
    try:
        return host.address(pipeline)
    except PluginError:
        return None


async def _body(request: Request, model: type[_ModelT]) -> _ModelT:
    body = await request.body()
    try:
        return _validated(model, from_json(body or b"{}", allow_inf_nan=False))
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def _validated(model: type[_ModelT], raw: Any) -> _ModelT:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = complaints(error, raw if isinstance(raw, dict) else {}, model)
        raise BadRequest("; ".join(f"{dotted(one.key) or 'body'}: {one.message}" for one in found)) from None


def _json(value: object, *, status: int = 200) -> Response:
    return Response(to_json(value), status_code=status, media_type="application/json")
