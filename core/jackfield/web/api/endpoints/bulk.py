"""Jobs: what is done to many runs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime, Field

from jackfield.components.options import OptionsModel
from jackfield.errors import BadRequest, JackfieldError, NotFound
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.journal.records import State
from jackfield.runs.bulk import Bulk
from jackfield.runs.jobs import MOST_RUNS, Deed, Job, JobFailure, Order, Phase
from jackfield.runs.replay import On
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.api.endpoints.runs import RunsFilter
from jackfield.web.auth.callers import Note, job_words


class JobBody(OptionsModel):
    """What is to be done, and to which runs: those that are named, or those that match.

    `from_failed` and `on` are about replays: from the step that failed, on which version. Failed runs that were
    repaired or set aside are left out unless `repaired` (here or in `matching`) is true. `note` is why runs are set
    aside.
    """

    deed: Deed
    runs: list[str] | None = Field(default=None, min_length=1, max_length=MOST_RUNS)
    matching: RunsFilter | None = None
    from_failed: bool = False
    on: On = "current"
    repaired: bool = False
    note: str = Field(default="", max_length=500)


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job, and how far it is: to `done` of `runs` runs it is done, to `failed` it could not be.

    `more`: more runs matched than a job takes in. `failures` are the first ones. `fault` is why the runs could not be
    looked for. `asked_by` is a user's name, `token` and a token's, or `var/api.token`.

    `repaired` failed runs matched that were repaired or set aside; they are left out of `runs` unless the job was told
    otherwise. A job of replays has made `made` new runs: `ended` says how many have ended how by now, and
    `failed_again` which of them failed, the first ones.
    """

    id: str
    deed: Deed
    from_failed: bool
    on: On
    asked_by: str
    asked_at: AwareDatetime
    phase: Phase
    runs: int
    more: bool
    done: int
    failed: int
    failures: Sequence[JobFailure]
    fault: str | None
    repaired: int
    made: int
    ended: Mapping[State, int]
    failed_again: Sequence[JobFailure]


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/jobs", list_jobs, secret=True),
        Endpoint("POST", "/jobs", make_job, 201),
        Endpoint("GET", "/jobs/{id}", show_job, secret=True),
        Endpoint("POST", "/jobs/{id}/start", start_job, action=AuditAction.JOB_STARTED),
        Endpoint("POST", "/jobs/{id}/stop", stop_job, action=AuditAction.JOB_STOPPED),
    ]


async def list_jobs(host: Host) -> list[JobReport]:
    """List what is done to many runs at once, the newest first."""
    jobs = host.bulk.jobs()
    for job in jobs:
        await host.bulk.follow(job)
    return [_report(job) for job in jobs]


async def make_job(host: Host, caller: str, body: JobBody) -> JobReport:
    """Find the runs that something is to be done to; nothing is done before the job is started."""
    repaired = body.repaired or (body.matching is not None and body.matching.repaired)
    order = Order(body.deed, body.from_failed, body.on, repaired=repaired, note=body.note)
    if body.runs is not None and body.matching is None:
        return _report(await host.bulk.ask(order, body.runs, caller))
    if body.matching is not None and body.runs is None:
        return _report(await host.bulk.ask(order, body.matching.query(), caller))
    raise BadRequest("say which runs: either `runs` or `matching`")


async def show_job(host: Host, id: str) -> JobReport:
    """Say how far a job is."""
    job = _known(host.bulk, id)
    await host.bulk.follow(job)
    return _report(job)


async def start_job(host: Host, note: Note, id: str) -> JobReport:
    """Start a job that has found its runs."""
    job = _known(host.bulk, id)
    if job.phase is Phase.GATHERING:
        raise JackfieldError("the job still looks for its runs; start it when its phase is `asked`")
    host.bulk.start(job, job.order)
    note.detail = job_words(job)
    return _report(job)


async def stop_job(host: Host, id: str) -> JobReport:
    """End a job where it stands; what was done stays done."""
    job = _known(host.bulk, id)
    host.bulk.stop(job)
    return _report(job)


def _known(bulk: Bulk, id: str) -> Job:
    job = bulk.get(id)
    if job is None:
        raise NotFound(f"there is no job {id}")
    return job


def _report(job: Job) -> JobReport:
    return JobReport(
        id=job.id,
        deed=job.order.deed,
        from_failed=job.order.from_failed,
        on=job.order.on,
        asked_by=job.asked_by,
        asked_at=job.asked_at,
        phase=job.phase,
        runs=len(job.runs),
        more=job.more,
        done=job.done,
        failed=job.failed,
        failures=job.failures,
        fault=job.fault,
        repaired=len(job.repaired),
        made=job.made,
        ended=job.ended,
        failed_again=job.failed_again,
    )
