"""The command user: who may log in to the pages. It works beside a running host, and at one that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol, TypeVar

import typer

from jackfield.access.passwords import LONGEST_PASSWORD
from jackfield.access.users import InvalidUser, InvalidUserReason, Role, Users
from jackfield.cli.audit_notes import note_beside
from jackfield.cli.client import UrlOption
from jackfield.cli.local import HERE, JsonOption, ProjectOption
from jackfield.cli.output import console, print_json, print_table
from jackfield.cli.remote import RemoteDesk, remote_desk
from jackfield.errors import JackfieldError
from jackfield.journal.audit import AuditAction
from jackfield.project.settings import Project
from jackfield.web.auth.callers import role_words

_Name = Annotated[str, typer.Argument(metavar="NAME")]
_FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
_ResultT = TypeVar("_ResultT")
_LONGEST_LINE: Final = 4 * LONGEST_PASSWORD
_ADVICE: Final = {
    InvalidUserReason.TAKEN: "`jackfield user password {name}` gives it a new password",
    InvalidUserReason.UNKNOWN: "`jackfield user list` names them",
    InvalidUserReason.LAST: "or say --even-last",
}


class _Known(Protocol):
    """Somebody who may log in."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...


class _Book(Protocol):
    """Who may log in, wherever that is written. Raises `JackfieldError`, a `InvalidUser` if a change is refused."""

    def all(self) -> Sequence[_Known]: ...
    def add(self, name: str, password: str, role: Role) -> object: ...
    def set_password(self, name: str, password: str) -> object: ...
    def remove(self, name: str, *, even_last: bool) -> object: ...


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    user = typer.Typer(help="Say who may log in to the pages.", rich_markup_mode=None, no_args_is_help=True)
    user.command("add")(add)
    user.command("list")(list_users)
    user.command("password")(password)
    user.command("remove")(remove)
    app.add_typer(user, name="user")


def add(
    name: _Name,
    role: Annotated[Role, typer.Option(help="An operator may do everything, a viewer may look.")] = Role.OPERATOR,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    password_stdin: _FromStdin = False,
) -> None:
    """Add a user. The password is asked for."""
    users = _users(project, url)
    try:
        _check(users, name, known=False)
        users.add(name, _password(from_stdin=password_stdin), role)
    except InvalidUser as error:
        raise _explained(error, name) from None
    console().print(f"{name} can log in, as {role}")


def list_users(project: ProjectOption = HERE, url: UrlOption = None, *, as_json: JsonOption = False) -> None:
    """List who may log in."""
    users = _users(project, url).all()
    if as_json:
        print_json([{"name": user.name, "role": user.role} for user in users])
    elif users:
        print_table(["NAME", "ROLE"], [[user.name, user.role] for user in users])
    else:
        console().print("nobody can log in yet; `jackfield user add NAME` adds an operator")


def password(
    name: _Name, project: ProjectOption = HERE, url: UrlOption = None, *, password_stdin: _FromStdin = False
) -> None:
    """Give a user a new password. It logs them out everywhere."""
    users = _users(project, url)
    try:
        _check(users, name, known=True)
        users.set_password(name, _password(from_stdin=password_stdin))
    except InvalidUser as error:
        raise _explained(error, name) from None
    console().print(f"{name} has a new password and is logged out everywhere")


def remove(
    name: _Name,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    even_last: Annotated[bool, typer.Option("--even-last", help="Even if it is the last operator.")] = False,
) -> None:
    """Remove a user. It logs them out at once."""
    users = _users(project, url)
    try:
        _check(users, name, known=True)
        users.remove(name, even_last=even_last)
    except InvalidUser as error:
        raise _explained(error, name) from None
    console().print(f"{name} is removed and logged out")


def _users(folder: Path, url: str | None) -> _Book:
    return _FarBook(url) if url else _HereBook(Project.load(folder, os.environ))


@dataclass(frozen=True, slots=True)
class _HereBook:
    """The users of a project of this machine."""

    project: Project

    def all(self) -> Sequence[_Known]:
        return Users(self.project.var).all()

    def add(self, name: str, password: str, role: Role) -> None:
        Users(self.project.var).add(name, password, role)
        note_beside(self.project, AuditAction.USER_ADDED, name, role_words(role))

    def set_password(self, name: str, password: str) -> None:
        Users(self.project.var).set_password(name, password)
        note_beside(self.project, AuditAction.USER_PASSWORD, name)

    def remove(self, name: str, *, even_last: bool) -> None:
        Users(self.project.var).remove(name, even_last=even_last)
        note_beside(self.project, AuditAction.USER_REMOVED, name)


@dataclass(frozen=True, slots=True)
class _FarBook:
    """The users of the host at `url`."""

    url: str

    def all(self) -> Sequence[_Known]:
        return self._done(lambda far: far.users())

    def add(self, name: str, password: str, role: Role) -> None:
        self._done(lambda far: far.add_user(name, password, role))

    def set_password(self, name: str, password: str) -> None:
        self._done(lambda far: far.set_password(name, password))

    def remove(self, name: str, *, even_last: bool) -> None:
        self._done(lambda far: far.remove_user(name, even_last=even_last))

    def _done(self, deed: Callable[[RemoteDesk], Awaitable[_ResultT]]) -> _ResultT:
        async def work() -> _ResultT:
            async with remote_desk(self.url) as far:
                return await deed(far)

        try:
            return asyncio.run(work())
        except JackfieldError as error:
            reason = next((one for one in InvalidUserReason if one == str(error)), None)
            raise error if reason is None else InvalidUser(reason) from None


def _check(users: _Book, name: str, *, known: bool) -> None:
    """Raise `InvalidUser` before a password is asked for in vain."""
    if any(user.name == name for user in users.all()) != known:
        raise InvalidUser(InvalidUserReason.UNKNOWN if known else InvalidUserReason.TAKEN)


def _password(*, from_stdin: bool) -> str:
    """Read a password where nobody sees it."""
    if from_stdin:
        return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise JackfieldError("there is no terminal to ask for the password; hand it over with --password-stdin")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return answer


def _explained(error: InvalidUser, name: str) -> JackfieldError:
    advice = _ADVICE.get(error.reason, "").format(name=name)
    return JackfieldError("; ".join(filter(None, (f"{name}: {error}", advice))))
