"""One operation of the API: a typed function, and how requests are turned into its arguments."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json, to_jsonable_python
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.components.options import OptionsModel
from jackfield.components.validation import validation_problems
from jackfield.errors import BadRequest
from jackfield.journal.audit import AuditAction, Via
from jackfield.problems import dotted
from jackfield.web.auth.callers import Note, caller_of, target_in
from jackfield.web.state import host_of

Function: TypeAlias = Callable[..., Awaitable[Any]]

_PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_NO_CONTENT: Final = 204
_LARGEST_BODY: Final = 2_000_000
_SECRET: Final = "this is shown to operators only; use an operator's token"  # noqa: S105 - a sentence


class TooLarge(BadRequest):
    """The body of a request is longer than any that the API has a use for. Answered with 413."""


class NoQuery(OptionsModel):
    """An operation that takes no parameters."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What `method` on `path` does.

    `function` is given `host`, the `caller` (whose token it is) and their `role`, what the application keeps for its
    operations, the parameters of the path by their names, `query` and `body`, and the `note` for the audit log, as far
    as it has parameters of these names. Its return annotation is the shape of the answer, its docstring the
    description.
    """

    method: str
    path: str
    function: Function
    status: int = 200
    secret: bool = False
    """Whether the answer is for operators only, though it changes nothing."""
    action: AuditAction | None = None
    """What the audit log calls it, if it has succeeded."""
    hints: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hints", get_type_hints(self.function, include_extras=True))

    @property
    def name(self) -> str:
        """What the operation is called: its function's name."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def query(self) -> type[BaseModel]:
        """Its parameters."""
        return self.hints.get("query", NoQuery)  # type: ignore[no-any-return]

    @property
    def body(self) -> Any:
        """The shape of its body, None if it takes none."""
        return self.hints.get("body")

    @property
    def answer(self) -> Any:
        """The shape of its answer."""
        return self.hints["return"]

    @property
    def path_parameters(self) -> list[str]:
        """The names in its path."""
        return _PATH_PARAMETER.findall(self.path)

    def route(self) -> Route:
        """Make the route."""
        return Route(self.path, self.respond, methods=[self.method], name=self.name)

    async def respond(self, request: Request) -> Response:
        """Carry it out. Raises `BadRequest`, and what the function raises."""
        note = self._note(request)
        if self.secret and request.scope["role"] is not Role.OPERATOR:
            await replace(note, action=AuditAction.ROLE_REFUSED, target=request.url.path).write(request)
            return Response(to_json({"error": _SECRET}), status_code=403, media_type="application/json")
        known: dict[str, Any] = {**request.app.state.kept, **request.path_params}
        known |= {"host": host_of(request), "note": note, **{name: request.scope[name] for name in ("caller", "role")}}
        known["query"] = _validated(self.query, _parameters(request, self.query))
        if self.body is not None:
            known["body"] = await _body(request, self.body)
        given = {name: known[name] for name in self.hints if name in known}
        answer = await self.function(**given)
        await note.write(request)
        if self.status == _NO_CONTENT:
            return Response(status_code=self.status)
        return Response(_written(answer), status_code=self.status, media_type="application/json")

    def _note(self, request: Request) -> Note:
        caller = caller_of(request, request.scope["caller"], Via.API)
        return Note(caller, self.action, target_in(request.path_params))


def _written(answer: Any) -> bytes:
    try:
        return to_json(answer)
    except ValueError:  # half a character, which UTF-8 has not, and JSON can write
        return json.dumps(to_jsonable_python(answer)).encode()


def _parameters(request: Request, model: type[BaseModel]) -> dict[str, str | list[str]]:
    """Read the parameters; those that are lists may be given several times."""
    given = request.query_params
    lists = {name for name, one in model.model_fields.items() if get_origin(one.annotation) is list}
    values = {name: given.getlist(name) for name in given}
    repeated = {name for name, found in values.items() if len(found) > 1} - lists
    if repeated:
        raise BadRequest(f"{min(repeated)} is given more than once")
    return {name: found if name in lists else found[0] for name, found in values.items()}


async def _body(request: Request, model: type[BaseModel]) -> BaseModel:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise TooLarge(f"the body is longer than {_LARGEST_BODY} bytes")
    try:
        raw = from_json(bytes(body) or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    try:
        return model.model_validate_json(bytes(body) or b"{}", strict=True)
    except ValidationError as error:
        raise _mistaken(error, raw, model) from None


def _validated(model: type[BaseModel], raw: Any) -> BaseModel:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _mistaken(error, raw, model) from None


def _mistaken(error: ValidationError, raw: Any, model: type[BaseModel]) -> BadRequest:
    found = validation_problems(error, raw if isinstance(raw, dict) else {}, model)
    return BadRequest("; ".join(f"{dotted(one.key) or 'body'}: {one.message}" for one in found))
