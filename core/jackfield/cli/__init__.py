"""The command line: `jackfield COMMAND`.

Words go in; text for people or JSON for programs comes out. Wrong use exits with 2, a failure with 1, each with one
readable line. A command works on the project folder (`local`), or on a host that runs elsewhere (`remote`).
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from jackfield.cli.accounts import tokens, users
from jackfield.cli.commands import (
    audit,
    journal,
    notify_test,
    pipelines,
    plugins,
    project,
    runs,
    secrets,
    serve,
    test,
)
from jackfield.cli.curl import import_curl
from jackfield.cli.demo import demo
from jackfield.cli.output import console
from jackfield.errors import JackfieldError

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process."""
    try:
        code = application()(prog_name="jackfield", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "jackfield"
        _fail(f"{command}: {error.format_message().rstrip('.')}; see `{command} --help`", error.exit_code)
    except JackfieldError as error:
        _fail(str(error), 1)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        _fail(f"{error.filename}: {reason}" if error.filename else reason, 1)
    except (Abort, KeyboardInterrupt):
        _fail("stopped", 130)
    sys.exit(code or 0)


def application() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        invoke_without_command=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_jackfield)
    for module in (
        demo,
        project,
        plugins,
        pipelines,
        serve,
        runs,
        journal,
        notify_test,
        import_curl,
        test,
        secrets,
        users,
        tokens,
        audit,
    ):
        module.add_commands(app)
    return app


def _jackfield(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Takes events from one service to another and loses none."""
    if version:
        console().print(metadata.version("jackfield"))
    elif context.invoked_subcommand is None:
        console().print(context.get_help())


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)  # noqa: T201
    sys.exit(code)
