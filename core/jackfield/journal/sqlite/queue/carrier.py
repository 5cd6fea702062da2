"""Gives one run after the other to the handler, and writes down how each ended, whatever the handler does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from jackfield.errors import JournalUnavailable, LeaseLost
from jackfield.journal.protocol import Handler
from jackfield.journal.records import RetryAt, Verdict
from jackfield.journal.sqlite.file.writer import Shared, Writer
from jackfield.journal.sqlite.queue.claims import SqliteClaim
from jackfield.journal.sqlite.queue.flight import FlightRecorder
from jackfield.journal.sqlite.queue.transitions import Ending, Settlement, settle, settlement

_PUT_OFF: Final = timedelta(seconds=5)


class Carrier:
    """The handler, and what stands around each of its calls.

    `cutting_off` is set once the host stops and waits no longer: then a call that is cancelled leaves its run as it is.
    """

    def __init__(self, writer: Writer, now: Callable[[], datetime], handler: Handler, recorder: FlightRecorder) -> None:
        self._writer = writer
        self._now = now
        self._handler = handler
        self._recorder = recorder
        self.cutting_off = False

    async def handle(self, claim: SqliteClaim) -> Settlement | None:
        """Let the handler carry a run out, and return how that ended; None if the run was taken from it."""
        verdict: Verdict
        claim.take_off(self._recorder)
        try:
            verdict, version = await self._handler(claim)
            return settlement(verdict, version, self._now())
        except LeaseLost:
            return None
        except JournalUnavailable as error:
            verdict = RetryAt(self._now() + _PUT_OFF, str(error))
        except asyncio.CancelledError as error:
            if self.cutting_off:
                raise
            verdict = claim.fault(error, self._now())
        except BaseException as error:  # noqa: BLE001 - a handler may raise anything; it fails its run, nothing else
            verdict = claim.fault(error, self._now())
        finally:
            claim.land()
        return settlement(verdict, claim.version, self._now())

    async def settle(self, claim: SqliteClaim, settled: Settlement) -> bool:
        """Write down how a run ended, and return whether a run that waited for it may start now."""
        try:
            return await self._write(claim, settled)
        except JournalUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - what a handler returns may be nothing that a file can hold
            now = self._now()
            return await self._write(claim, settlement(claim.fault(error, now), claim.version, now))

    async def _write(self, claim: SqliteClaim, settled: Settlement) -> bool:
        ending = Ending(claim.seq, claim.run, claim.replay_of, settled, claim.pipeline, claim.order_key)
        return await self._writer.submit_until_written(Shared(settle, ending))
