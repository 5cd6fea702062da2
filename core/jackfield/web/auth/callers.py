"""Who sends a request, and what the audit log is to say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request

from jackfield.access.audit_log import Caller
from jackfield.access.users import Role
from jackfield.journal.audit import AuditAction, Via
from jackfield.journal.records import Mode, State
from jackfield.journal.views import Query
from jackfield.runs.jobs import Deed, Job
from jackfield.web.auth.password_check import client_address
from jackfield.web.state import host_of

_SHOWN_RUNS: Final = 3
_MINUTE: Final = "%Y-%m-%d %H:%M UTC"
_DONE: Final = {
    Deed.REPLAY: "replayed",
    Deed.CANCEL: "cancelled",
    Deed.RETRY: "retried at once",
    Deed.SET_ASIDE: "set aside",
}


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
    how = [f"from step {from_step} on"] if from_step else []
    how += ["on the original version"] if on == "original" else []
    how += ["with an edited event"] if edited else []
    return "; ".join([f"replayed as {', '.join(runs)}", *how])


def job_words(job: Job) -> str:
    """Say what a job does, and to which runs: how they were found, and a few of their ids."""
    order, runs = job.order, job.runs
    how = ["from the failed step on"] if order.from_failed else []
    how += ["on the original version"] if order.on == "original" else []
    how += ["those seen to already as well"] if order.repaired and job.repaired else []
    shown, more = ", ".join(runs[:_SHOWN_RUNS]), len(runs) - _SHOWN_RUNS
    some = f"among them: {shown} and {more} more" if more > 0 else f"these are: {shown}"
    found = _filter_words(job.query) if job.query else []
    return "; ".join([f"runs to be {_DONE[order.deed]}: {len(runs)}", *how, *found, *([some] if runs else [])])


def _filter_words(query: Query) -> list[str]:
    """Say which runs were looked for."""
    said = [f"of pipeline {query.pipeline}"] if query.pipeline else []
    said += [f"in state {state.value}" for state in State if state in query.states]
    said += [f"received since {query.since:{_MINUTE}}"] if query.since else []
    said += [f"received until {query.until:{_MINUTE}}"] if query.until else []
    said += [f"found by the text {query.text}"] if query.text else []
    return said or ["all that there were"]


def mode_words(mode: Mode, reason: str) -> str:
    """Say which mode a pipeline was given, and why."""
    return f"the mode is {mode.value} now: {reason}" if reason else f"the mode is {mode.value} now"


def role_words(role: Role) -> str:
    """Say which role somebody was given."""
    return f"the role is {role.value}"


def token_words(role: Role, expires: datetime | None) -> str:
    """Say what a token lets a program do, and until when."""
    return role_words(role) + (f"; it expires at {expires:%Y-%m-%d %H:%M %Z}" if expires else "")
