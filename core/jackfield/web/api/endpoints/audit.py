"""The audit log: who did what, from where, and when."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from jackfield.components.options import OptionsModel
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction, AuditCheck, AuditEntry, AuditQuery
from jackfield.web.api.endpoint import Endpoint


class EntriesQuery(OptionsModel):
    """Which entries, newest first: those below the number `before`."""

    actor: str | None = None
    action: AuditAction | None = None
    target: str | None = None
    since: AwareDatetime | None = None
    before: int | None = Field(default=None, ge=0, lt=2**63)
    limit: int = Field(default=50, ge=1, le=1000)


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/audit", list_entries, secret=True),
        Endpoint("GET", "/audit/check", check_entries, secret=True),
    ]


async def list_entries(host: Host, query: EntriesQuery) -> list[AuditEntry]:
    """List the audit log, newest first: who did what, from where, and when."""
    asked = AuditQuery(query.actor, query.action, query.target, query.since, query.before, query.limit)
    return await host.journal.audit(asked)


async def check_entries(host: Host) -> AuditCheck:
    """Say whether somebody has changed the audit log past Jackfield, as far as its chain of digests tells."""
    return await host.journal.check_audit()
