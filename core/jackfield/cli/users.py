"""The command user: who may log in to the pages. It works beside a running host."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from jackfield.cli.output import console, print_json, print_table
from jackfield.cli.workspace import HERE, JsonOption, ProjectOption
from jackfield.errors import JackfieldError
from jackfield.settings import Project
from jackfield.users import LONGEST_PASSWORD, Mistake, Role, UserError, Users

_Name = Annotated[str, typer.Argument(metavar="NAME")]
_FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
_LONGEST_LINE: Final = 4 * LONGEST_PASSWORD
_ADVICE: Final = {
    Mistake.TAKEN: "`jackfield user password {name}` gives it a new password",
    Mistake.UNKNOWN: "`jackfield user list` names them",
    Mistake.LAST: "or say --even-last",
}


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
    *,
    password_stdin: _FromStdin = False,
) -> None:
    """Add a user. The password is asked for."""
    users = _users(project)
    if users.get(name) is not None:
        raise _explained(UserError(Mistake.TAKEN), name)
    try:
        users.add(name, _password(from_stdin=password_stdin), role)
    except UserError as error:
        raise _explained(error, name) from None
    console().print(f"{name} can log in, as {role}")


def list_users(project: ProjectOption = HERE, *, as_json: JsonOption = False) -> None:
    """List who may log in."""
    users = _users(project).all()
    if as_json:
        print_json([{"name": user.name, "role": user.role} for user in users])
    elif users:
        print_table(["NAME", "ROLE"], [[user.name, user.role] for user in users])
    else:
        console().print("nobody can log in yet; `jackfield user add NAME` adds an operator")


def password(name: _Name, project: ProjectOption = HERE, *, password_stdin: _FromStdin = False) -> None:
    """Give a user a new password. It logs them out everywhere."""
    users = _users(project)
    if users.get(name) is None:
        raise _explained(UserError(Mistake.UNKNOWN), name)
    try:
        users.set_password(name, _password(from_stdin=password_stdin))
    except UserError as error:
        raise _explained(error, name) from None
    console().print(f"{name} has a new password and is logged out everywhere")


def remove(
    name: _Name,
    project: ProjectOption = HERE,
    *,
    even_last: Annotated[bool, typer.Option("--even-last", help="Even if it is the last operator.")] = False,
) -> None:
    """Remove a user. It logs them out at once."""
    try:
        _users(project).remove(name, even_last=even_last)
    except UserError as error:
        raise _explained(error, name) from None
    console().print(f"{name} is removed and logged out")


def _users(project: ProjectOption) -> Users:
    return Users(Project.load(project, os.environ).var)


def _password(*, from_stdin: bool) -> str:
    """Read a password where nobody sees it."""
    if from_stdin:
        return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise JackfieldError("there is no terminal to ask for the password; hand it over with --password-stdin")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return answer


def _explained(error: UserError, name: str) -> JackfieldError:
    advice = _ADVICE.get(error.mistake, "").format(name=name)
    return JackfieldError("; ".join(filter(None, (f"{name}: {error}", advice))))
