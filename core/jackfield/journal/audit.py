"""The values of the audit log: who did what, from where, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

KEPT_DONE: Final = 100_000
"""How many entries are kept of what was done."""
KEPT_REFUSED: Final = 10_000
"""How many are kept of what was refused: strangers push out nothing but each other."""
LEAST_DAYS: Final = 30
"""An entry that is younger goes only when there are too many."""


class AuditAction(StrEnum):
    """What somebody did, or was not let do."""

    LOGIN = "login"
    LOGIN_FAILED = "login.failed"
    LOGOUT = "logout"
    TOKEN_REFUSED = "token.refused"  # noqa: S105 - a deed's name
    ROLE_REFUSED = "role.refused"
    USER_ADDED = "user.add"
    USER_REMOVED = "user.remove"
    USER_ROLE = "user.role"
    USER_PASSWORD = "user.password"  # noqa: S105 - as above
    TOKEN_MADE = "token.make"  # noqa: S105 - as above
    TOKEN_REVOKED = "token.revoke"  # noqa: S105 - as above
    SECRET_SET = "secret.set"  # noqa: S105 - as above
    SECRET_REMOVED = "secret.remove"  # noqa: S105 - as above
    SECRET_MOVED = "secret.move"  # noqa: S105 - as above
    MODE = "pipeline.mode"
    FILE_CHANGED = "file.change"
    FILE_REMOVED = "file.remove"
    TEST_SAVED = "test.save"
    STEP_SENT = "step.send"
    SAMPLE_SENT = "sample.send"
    NOTICE_SENT = "notice.test"
    RUN_REPLAYED = "run.replay"
    RUN_CANCELLED = "run.cancel"
    RUN_RETRIED = "run.retry"
    RUN_SET_ASIDE = "run.set_aside"
    RUN_TAKEN_BACK = "run.take_back"
    REQUEST_ACCEPTED = "request.accept"
    JOB_STARTED = "job.start"
    JOB_STOPPED = "job.stop"


REFUSED: Final = frozenset({AuditAction.LOGIN_FAILED, AuditAction.TOKEN_REFUSED, AuditAction.ROLE_REFUSED})
"""What anybody can cause as often as they like; it is written down up to a rate, and kept apart."""


class Via(StrEnum):
    """By which way somebody came."""

    PAGES = "pages"
    API = "api"
    COMMAND = "command"
    DISK = "disk"
    """A file was changed past Jackfield, and the host has seen it: by whom, nobody knows."""


@dataclass(frozen=True, slots=True)
class NewAuditEntry:
    """What is to be written down. No field holds a secret.

    `actor` is a user's name, `token` and a token's, or the account of the machine; empty if nobody knows. `address` is
    the client's. `target` is what it was done to; `detail` says more, of a file what differs. `content` is a hash of a
    file as it is now.
    """

    at: datetime
    action: AuditAction
    actor: str
    via: Via
    address: str = ""
    target: str = ""
    detail: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry(NewAuditEntry):
    """An entry of the log. `digest` is one of the entry and of the digest before it, so that they form a chain."""

    number: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries: newest first, those below the number `before`."""

    actor: str | None = None
    action: AuditAction | None = None
    target: str | None = None
    since: datetime | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What checking the chain has found: how many entries there are, and the number of the first that does not fit."""

    entries: int
    broken: int | None
