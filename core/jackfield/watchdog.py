"""Keeps an action that never yields from stopping the host.

All actions share one event loop. One that computes or sleeps without awaiting would hold up every other run and
every request that comes in. So the loop has a heartbeat, and a thread listens to it: when it stays away for too long, a
signal is sent to the main thread, and if what runs there belongs to an action, it raises inside of it. A context
variable tells: it goes along with whatever tasks and callbacks the action starts. The signal is SIGURG, which is
ignored by default and which the Go runtime uses for the same purpose.

It interrupts Python code and system calls; a C extension that keeps the interpreter to itself is stopped only when it
returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from jackfield.errors import PermanentFailure

T = TypeVar("T")
DEFAULT_LIMIT: Final = 2.0
_PATIENCE: Final = 2.0


class _Interrupt(BaseException):
    """Raised inside of the action. No `Exception`, so that the action's own handlers let it through."""


class Watchdog:
    """Watches over the actions that run on one event loop. `limit` is how many seconds they may hold it up.

    `start()` must be called on the main thread, where Python runs signal handlers; elsewhere nothing is watched.
    """

    def __init__(self, limit: float = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self._in_action: ContextVar[bool] = ContextVar("in_action", default=False)
        self._heard = 0.0
        self._heartbeat: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._previous: Any = None

    def start(self) -> None:
        """Begin to watch the running loop, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._beat(asyncio.get_running_loop())
            self._previous = signal.signal(signal.SIGURG, self._interrupt)
            self._thread = threading.Thread(target=self._listen, name="jackfield-watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            signal.signal(signal.SIGURG, self._previous)
        if self._heartbeat is not None:
            self._heartbeat.cancel()

    async def guard(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await the coroutine of an action.

        Raises `PermanentFailure` if it, or a task of its, holds up the loop. One that goes on after its cancellation is
        abandoned, two seconds later or when it is cancelled again.
        """
        token = self._in_action.set(True)
        try:
            return await _until_cancelled_twice(coroutine)
        except _Interrupt:
            raise PermanentFailure(
                f"the action kept the event loop to itself for more than {self.limit:g} s; "
                "it must await, or give long work to asyncio.to_thread()"
            ) from None
        finally:
            self._in_action.reset(token)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._heard = time.monotonic()
        self._heartbeat = loop.call_later(self.limit / 4, self._beat, loop)

    def _listen(self) -> None:
        main = threading.main_thread().ident or 0
        while not self._stopped.wait(self.limit / 4):
            if self._is_late():
                signal.pthread_kill(main, signal.SIGURG)

    def _interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        if self._in_action.get() and self._is_late():
            raise _Interrupt

    def _is_late(self) -> bool:
        return time.monotonic() - self._heard > self.limit


@types.coroutine
def _until_cancelled_twice(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None
    reminder: _Reminder | None = None
    try:
        while True:
            try:
                yielded = resume(value)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            try:
                value = yield yielded
                resume = coroutine.send
            except BaseException as error:
                if reminder is not None:
                    _abandon(coroutine)
                    reminder.take_back()
                    raise
                if isinstance(error, asyncio.CancelledError):
                    reminder = _Reminder()
                value = error
                resume = coroutine.throw
    finally:
        if reminder is not None:
            reminder.timer.cancel()


class _Reminder:
    """Cancels the current task once more after a while, unless its timer is cancelled before."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._sent = False
        self.timer = asyncio.get_running_loop().call_later(_PATIENCE, self._send)

    def take_back(self) -> None:
        """Leave the task as it was for whoever cancelled it first."""
        if self._sent and self._task is not None:
            self._task.uncancel()

    def _send(self) -> None:
        if self._task is not None:
            self._sent = True
            self._task.cancel()


def _abandon(coroutine: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(RuntimeError):  # it awaits once more, even now
        coroutine.close()
