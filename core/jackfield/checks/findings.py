"""What a host needs, looked at piece by piece: for `jackfield doctor` and for the page about the host's health."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jackfield.components.plugins.registry import Plugin
from jackfield.problems import Problem
from jackfield.project.settings import ROOM, Project


class Mark(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `what` it is, in a word, and what was found."""

    mark: Mark
    what: str
    found: str


def look_at_plugins(plugins: Iterable[Plugin]) -> Iterator[Finding]:
    """See which plugins are broken."""
    for plugin in plugins:
        if plugin.error:
            yield Finding(Mark.WRONG, "plugin", f"{plugin} {plugin.error}")
        else:
            yield Finding(Mark.OK, "plugin", str(plugin))


def look_at_notifiers(names: Sequence[str], problems: Iterable[Problem]) -> Iterator[Finding]:
    """See whether anybody is told when runs fail."""
    mistakes = [Finding(Mark.WRONG, "notices", str(problem)) for problem in problems]
    yield from mistakes
    if names:
        yield Finding(Mark.OK, "notices", f"{', '.join(names)}; `jackfield notify-test` tries them")
    elif not mistakes:
        nobody = "nobody is told when runs fail: jackfield.toml has no table such as [notices.email]"
        yield Finding(Mark.NOTE, "notices", nobody)


def look_at_address(project: Project) -> Iterator[Finding]:
    """See whether senders outside can call, and whether what they send can be read on the way."""
    url = project.settings.server.public_url
    if url is None:
        yield Finding(Mark.NOTE, "address", "senders outside cannot call: [server] public_url is not set")
    elif url.startswith("http://"):
        yield Finding(Mark.NOTE, "address", f"{url} has no TLS: what senders send can be read on the way")
    else:
        yield Finding(Mark.OK, "address", url)


def look_at_secrets(project: Project) -> Iterator[Finding]:
    """See what an operator should know of the secrets."""
    return (Finding(Mark.NOTE, "secrets", str(warning)) for warning in project.secrets.warnings)


def look_at_user(user: int) -> Iterator[Finding]:
    """See whether the process, whose effective user id is given, may do more than it should."""
    if user == 0:
        found = "this runs as root; let the host run as a user of its own (docs/running.md, A service)"
        yield Finding(Mark.NOTE, "user", found)


def look_at_disk(project: Project) -> Iterator[Finding]:
    """See whether the disk has room."""
    free, keep = shutil.disk_usage(project.folder).free, project.settings.journal.keep.size
    words = f"{free // 1_000_000} MB free, the journal may take {keep // 1_000_000} MB"
    yield Finding(Mark.OK if free > ROOM else Mark.WRONG, "disk", words)
