"""Who sends a request, and what the audit log is to say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request

from jackfield.audit import Caller
from jackfield.jobs import Order
from jackfield.journal.audit import AuditAction, Via
from jackfield.users import Role
from jackfield.web.health import host_of
from jackfield.web.pages.doorkeeper import client_address

_SHOWN_RUNS: Final = 20


@dataclass(slots=True)
class Note:
    """The entry that a request will leave when it has succeeded; whoever carries it out may say more. None: none."""

    caller: Caller
    action: AuditAction | None
    target: str = ""
    detail: str = ""

    async def write(self, request: Request) -> None:
        """Leave the entry."""
        if self.action is not None:
            await host_of(request).audit.note(self.caller, self.action, self.target, self.detail)


def page_note(request: Request, action: AuditAction | None) -> Note:
    """Begin the note of a form, by whoever is logged in."""
    visitor = request.state.visitor
    return Note(caller_of(request, visitor.name if visitor else ""), action, target_in(request.path_params))


def caller_of(request: Request, actor: str, via: Via = Via.PAGES) -> Caller:
    """Say who sends a request."""
    return Caller(actor, via, client_address(request))


def target_in(parameters: Mapping[str, Any]) -> str:
    """Say what a path is about: its first parameter."""
    return str(next(iter(parameters.values()), ""))


def replayed_as(runs: Sequence[str], from_step: str | None, on: str, *, edited: bool) -> str:
    """Say how a run was replayed, and as what."""
    how = [f"from step {from_step}"] if from_step else []
    how += ["on the original version"] if on == "original" else []
    how += ["with an edited event"] if edited else []
    return ", ".join([f"as {', '.join(runs)}", *how])


def job_words(order: Order, runs: Sequence[str]) -> str:
    """Say what a job does, and to which runs."""
    how = (", from the failed step" if order.from_failed else "") + (
        ", on the original version" * (order.on == "original")
    )
    more = f" and {len(runs) - _SHOWN_RUNS} more" if len(runs) > _SHOWN_RUNS else ""
    return f"{order.deed.value} {len(runs)} runs{how}: {', '.join(runs[:_SHOWN_RUNS])}{more}"


def token_words(role: Role, expires: datetime | None) -> str:
    """Say what a token lets a program do, and until when."""
    return role.value if expires is None else f"{role.value}, until {expires:%Y-%m-%d %H:%M %Z}"
