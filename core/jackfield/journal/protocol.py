"""What the host asks of a journal. Any back end that passes the contract tests will do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, TypeAlias

from jackfield.components.values import Event
from jackfield.errors import JournalUnavailable
from jackfield.journal.audit import AuditCheck, AuditEntry, AuditQuery, NewAuditEntry
from jackfield.journal.records import (
    Accepted,
    Attempt,
    Deaths,
    Limits,
    Mode,
    ModeRecord,
    NewRun,
    Refusal,
    Replay,
    Retention,
    SetAside,
    StepRecord,
    Verdict,
    Version,
)
from jackfield.journal.views import Backlog, Count, DuplicateEntry, Glance, KeptVersion, Page, Query, RunView, StepCount


class Claim(Protocol):
    """One run, leased to one worker."""

    @property
    def run(self) -> str:
        """The run's id."""

    @property
    def root(self) -> str:
        """The run whose event this is: the run itself, or the one that it replays with the same event."""

    @property
    def pipeline(self) -> str:
        """The pipeline's id."""

    @property
    def version(self) -> str:
        """The version that the run was accepted for, or has begun on."""

    @property
    def pinned(self) -> bool:
        """Whether the run must go on with `version`: it has steps behind it, or a replay asked for it."""

    @property
    def received_at(self) -> datetime:
        """When the event came in."""

    @property
    def event(self) -> Event:
        """The event."""

    @property
    def attempt(self) -> int:
        """The number of the coming attempt of the next step, from 1."""

    @property
    def deaths(self) -> Deaths:
        """How often the host died while the coming step was being carried out."""

    @property
    def done(self) -> Sequence[StepRecord]:
        """The steps that are completed, in order: resume after these."""

    @property
    def lost(self) -> asyncio.Event:
        """Set when the lease is gone: stop, send nothing more."""

    def begin(self, step: str, index: int, at: datetime) -> None:
        """Note that an attempt of a step begins: if the process dies of it, `deaths` says so after the next start.

        It costs next to nothing and never fails; a note outlives the process, not the machine.
        """

    def executing(self, now: bool) -> None:  # noqa: FBT001 - it is called whenever the run's code goes on or waits
        """Say whether the run's own code is on the stack from now on, or waits. As cheap as `begin()`."""

    async def checkpoint(self, attempt: Attempt, *, version: str) -> None:
        """Write a completed step down; durable on return. Later attempts are of the next step.

        `version` is the one that the step was of: from here on the run is pinned to it. Raises `LeaseLost` if the
        run is no longer this worker's, `JournalUnavailable` if it cannot be written.
        """


Handler: TypeAlias = Callable[[Claim], Awaitable[tuple[Verdict, str]]]
"""Takes a run as far as it goes; returns how it leaves it and the version that it ran on."""


class Journal(Protocol):
    """The record of everything that came in and the queue of what is to be done, which are one thing.

    Every method may raise `JournalUnavailable`. What is written is durable when the call returns.
    """

    shared: ClassVar[bool]
    """Whether several hosts may use it at once."""

    async def open(self) -> None:
        """Make the journal ready. Called once, before anything else."""

    async def close(self) -> None:
        """Finish what is being written and let go of everything. Called once, after `work()` has returned."""

    async def check(self) -> None:
        """Write something that changes nothing, to find out whether events could be accepted now."""

    def trouble(self) -> JournalUnavailable | None:
        """Say what is wrong with the journal, as far as that is known: damaged, lost; it costs nothing."""

    async def inspect(self, *, whole: bool = False) -> list[str]:
        """Look for damage and say what there is: quickly, or at the `whole`, which takes minutes for gigabytes."""

    async def accept(self, runs: Sequence[NewRun], *, refusal: str | None = None) -> list[Accepted]:
        """Take events over: on return they are on disk and scheduled, all of them or none.

        A run whose `dedupe_key` is that of an earlier run of the same pipeline, within `dedupe_within`, is
        recorded on that one instead.

        `refusal` is the refused request that the events were read out of: what it became (of a duplicate, the run
        that it duplicates) is written on it at the same time. Raises `NotFound`, and takes nothing over, if there is
        none of this id or it was accepted before.
        """

    @property
    def rest(self) -> float:
        """How many seconds work that can wait should rest for each run that it writes; 0 unless events come in."""

    async def refuse(self, refusal: Refusal) -> None:
        """Write down a request that was turned away.

        When there are too many, the oldest of the same pipeline and status goes.
        """

    async def refusals(self, pipeline: str | None = None, limit: int = 50, before: str | None = None) -> list[Refusal]:
        """List requests that were turned away, newest first; those older than the one that is called `before`."""

    async def refusal(self, refusal: str) -> Refusal | None:
        """Find one of them."""

    async def work(
        self,
        handler: Handler,
        limits: Callable[[str], Limits | None],
        stop: asyncio.Event,
        grace: float,
    ) -> None:
        """Hand runs that are due to `handler`, until `stop`; then give those that are running `grace` seconds.

        `limits` is asked for a pipeline whenever one of its runs could start; None: none of its runs may (it is
        blocked, or gone). A pipeline that is not in mode `running` starts none. Runs of a pipeline start in the order
        in which they came, but replays and retries make way for others; promised it is only for runs with the same
        `order_key`, one of which starts when the one before is settled. A retry never starts early. A handler that
        raises fails its run, nothing else. A run that is cut off by the end of `grace` stays queued.
        """

    async def wake(self) -> None:
        """Look for runs that may start now: limits have changed, or the clock has."""

    async def replay(self, run: str, replay: Replay, *, id: str, at: datetime) -> str:
        """Make a new run, with the id given, out of an old one; return its id.

        With `from_step`, the results of the steps before it are taken over. Raises `NotFound` if there is no such
        run, or if it never completed the steps before `from_step`, `NotStanding` as `Replay.if_standing` says.

        A replay that ends without an error repairs the failed runs that it goes back to, and their other replays; one
        that fails stands for them from then on. Both is durable together with the replay's end.
        """

    async def cancel(self, run: str) -> bool:
        """End a run that is not settled; False if it is, or is unknown. One that is running loses its lease."""

    async def set_aside(self, run: str, word: SetAside | None) -> bool:
        """Note on a failed run that nothing is to be done about it, or, with None, that something is after all.

        False if the run has not failed, or is unknown.
        """

    async def retry_now(self, run: str) -> bool:
        """Make a waiting run due; False if it is not waiting."""

    async def run(self, id: str) -> RunView | None:
        """Show one run with all that happened to it."""

    async def glance(self, runs: Sequence[str]) -> list[Glance]:
        """Say in short how runs are, in the order of their ids here; those that are not there are left out."""

    async def search(self, query: Query) -> Page:
        """List runs, newest first."""

    async def duplicates(
        self, pipeline: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[DuplicateEntry]:
        """List events that were taken for those of earlier runs, newest first; those below the number `before`."""

    async def counts(self, since: datetime, pipeline: str | None = None) -> list[Count]:
        """Count the runs that came in since then, for each pipeline (or this one), hour and state."""

    async def standings(self, pipeline: str, since: datetime) -> list[StepCount]:
        """Say how far the runs of a pipeline have come that came in since then, counted; it is quick."""

    async def latest(self) -> Mapping[str, datetime]:
        """Say of every pipeline that has runs when the newest of them came in."""

    async def changes(self) -> int:
        """Return a number that is another one after anything was written, by this process or another; it is cheap."""

    async def backlog(self) -> Backlog:
        """Say what is still to be done."""

    async def prune(self, policy: Retention, now: datetime) -> int:
        """Delete what need not be kept, oldest first, and return how many runs went.

        Where the size asks for it, calls with a wrong token (refused with 404) go before anything else, so that
        strangers push nothing out. Runs that are not settled stay. The space goes back to the disk.
        """

    async def trim(self, size: int) -> int:
        """Do as much of `prune` as keeps the journal within `size` bytes. Cheap if it is: to be called often."""

    async def size(self) -> int:
        """Return how many bytes the journal takes up."""

    async def keep(self, version: Version) -> None:
        """Keep a pipeline's definition; once is enough."""

    async def version(self, pipeline: str, version: str) -> Version | None:
        """Return a definition that was kept."""

    async def versions(self, pipeline: str) -> list[KeptVersion]:
        """List the definitions of a pipeline that were kept, the one that was kept last first."""

    async def modes(self) -> Mapping[str, ModeRecord]:
        """Return the modes that were set; a pipeline that is not there is running."""

    async def set_mode(self, pipeline: str, mode: Mode, *, reason: str, at: datetime) -> None:
        """Set a pipeline's mode. A host in another process sees it within a second or so."""

    async def note(self, entry: NewAuditEntry) -> AuditEntry:
        """Write down in the audit log what somebody did. Nothing changes an entry, and it goes only when it is old."""

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """List entries of the audit log, newest first."""

    async def noted(self, target: str, content: str) -> bool:
        """Tell whether the last entry about a file says that this hash is what it became."""

    async def check_audit(self) -> AuditCheck:
        """Look whether somebody has changed the audit log past Jackfield."""

    async def prune_audit(self, days: int, now: datetime) -> int:
        """Delete entries of the audit log that are older than so many days, or too many; return how many went."""
