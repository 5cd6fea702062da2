"""The entries that commands leave in the audit log, beside a running host or without one."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys

from jackfield.cli.local import open_journal
from jackfield.clock import utc_now
from jackfield.errors import JournalUnavailable
from jackfield.journal.audit import AuditAction, NewAuditEntry, Via
from jackfield.project.settings import Project


def note_beside(project: Project, action: AuditAction, target: str, detail: str = "", *, content: str = "") -> None:
    """Leave an entry about what a command does. That it cannot be written keeps nobody from mending things."""

    async def write() -> None:
        async with open_journal(project) as journal:
            await journal.note(command_entry(action, target, detail, content=content))

    try:
        asyncio.run(write())
    except JournalUnavailable as error:
        print(f"note: this is not in the audit log: {error}", file=sys.stderr)  # noqa: T201


def command_entry(action: AuditAction, target: str, detail: str = "", *, content: str = "") -> NewAuditEntry:
    """Make an entry about what a command does, by the account that runs it; after `sudo`, by who said that."""
    try:
        actor = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        actor = str(os.getuid())
    return NewAuditEntry(utc_now(), action, actor, Via.COMMAND, "", target, detail, content)
