"""The command `token`: the tokens of the API. It works beside a running host, and at one that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.cli.audit_notes import note_beside
from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, JsonOption, ProjectOption, coming
from jackfield.cli.output import console, local, print_json, print_table
from jackfield.cli.remote import RemoteDesk, remote_desk
from jackfield.errors import NotFound
from jackfield.journal.audit import AuditAction
from jackfield.project.settings import Project
from jackfield.web.auth.callers import token_words

_Name = Annotated[str, typer.Argument(metavar="NAME")]
_ResultT = TypeVar("_ResultT")


class _Known(Protocol):
    """What is known of a token."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def created(self) -> datetime: ...
    @property
    def last_used(self) -> datetime | None: ...
    @property
    def expires(self) -> datetime | None: ...


class _Book(Protocol):
    """The tokens, wherever they are written down. Raises `JackfieldError`."""

    def all(self) -> Sequence[_Known]: ...
    def make(self, name: str, role: Role, expires: datetime | None) -> str: ...
    def revoke(self, name: str) -> bool: ...


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    token = typer.Typer(help="Make and revoke API tokens.", rich_markup_mode=None, no_args_is_help=True)
    token.command("add")(add)
    token.command("list")(list_tokens)
    token.command("revoke")(revoke)
    app.add_typer(token, name="token")


def add(
    name: _Name,
    role: Annotated[Role, typer.Option(help="An operator's may do everything, a viewer's may look.")] = Role.VIEWER,
    expires: Annotated[
        str | None, typer.Option(help='When it is worth nothing any more: a time, or in how long, such as "90 days".')
    ] = None,
    project: ProjectOption = HERE,
    url: UrlOption = None,
) -> None:
    """Make a token and print it, this once."""
    print(_book(project, url).make(name, role, coming(expires)))  # noqa: T201 - as it is: a program may read it


def list_tokens(project: ProjectOption = HERE, url: UrlOption = None, *, as_json: JsonOption = False) -> None:
    """List the tokens, without what they are."""
    found = _book(project, url).all()
    if as_json:
        fields = ("name", "role", "created", "last_used", "expires")
        print_json([{field: getattr(one, field) for field in fields} for one in found])
    elif found:
        rows = [[one.name, one.role, local(one.created), local(one.last_used), local(one.expires)] for one in found]
        print_table(["NAME", "ROLE", "MADE", "LAST USED", "EXPIRES"], rows)
    else:
        console().print("there is no token; `jackfield token add NAME` makes one")


def revoke(name: _Name, project: ProjectOption = HERE, url: UrlOption = None) -> None:
    """Make a token worthless at once."""
    if not _book(project, url).revoke(name):
        raise NotFound(f"there is no token {name}; `jackfield token list` names them")
    console().print(f"{name} is revoked")


def _book(folder: Path, url: str | None) -> _Book:
    return _FarBook(url) if url else _HereBook(Project.load(folder, os.environ))


@dataclass(frozen=True, slots=True)
class _HereBook:
    """The tokens of a project of this machine."""

    project: Project

    def all(self) -> Sequence[_Known]:
        return Tokens(self.project.var).all()

    def make(self, name: str, role: Role, expires: datetime | None) -> str:
        made = Tokens(self.project.var).make(name, role, expires)
        note_beside(self.project, AuditAction.TOKEN_MADE, name, token_words(role, expires))
        return made

    def revoke(self, name: str) -> bool:
        revoked = Tokens(self.project.var).revoke(name)
        if revoked:
            note_beside(self.project, AuditAction.TOKEN_REVOKED, name)
        return revoked


@dataclass(frozen=True, slots=True)
class _FarBook:
    """The tokens of the host at `url`."""

    url: str

    def all(self) -> Sequence[_Known]:
        return self._done(lambda far: far.tokens())

    def make(self, name: str, role: Role, expires: datetime | None) -> str:
        return self._done(lambda far: far.make_token(name, role, expires))

    def revoke(self, name: str) -> bool:
        self._done(lambda far: far.revoke_token(name))
        return True

    def _done(self, deed: Callable[[RemoteDesk], Awaitable[_ResultT]]) -> _ResultT:
        async def work() -> _ResultT:
            async with remote_desk(self.url) as far:
                return await deed(far)

        return asyncio.run(work())
