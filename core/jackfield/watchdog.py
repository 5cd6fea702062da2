"""Keeps an action that never yields from stopping the host.

All actions share one event loop. One that computes or sleeps without awaiting would hold up every other run and
every request that comes in. A coroutine is therefore driven through `Watchdog.guard`; a thread looks at how long
its present turn has lasted and, when that is too long, has a signal raise inside of it. The signal is SIGURG, which
is ignored by default and which the Go runtime uses for the same purpose.

It interrupts Python code and system calls; a C extension that keeps the interpreter to itself is found out only when it
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
from typing import Any, Final, TypeVar

from jackfield.errors import PermanentFailure

T = TypeVar("T")
DEFAULT_LIMIT: Final = 2.0


class _Interrupt(BaseException):
    """Raised inside of the action. No `Exception`, so that the action's own handlers let it through."""


class Watchdog:
    """Watches over the coroutines of one event loop. `limit` is how many seconds one turn may last.

    `start()` must be called on the main thread, where Python runs signal handlers; without it, a turn that lasts too
    long is reported when it ends, but not interrupted.
    """

    def __init__(self, limit: float = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self._turn: float | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._previous: Any = None

    def start(self) -> None:
        """Begin to watch, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGURG, self._interrupt)
            self._thread = threading.Thread(target=self._watch, name="jackfield-watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            signal.signal(signal.SIGURG, self._previous)
            self._thread = None

    @types.coroutine
    def guard(self, coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Drive the coroutine to its end; `PermanentFailure` if one of its turns lasts too long.

        One that swallows its cancellation is abandoned when it is cancelled for the second time. A turn that lasts too
        long and ends with the result is let pass: the work is done.
        """
        resume: Callable[[Any], Any] = coroutine.send
        value: Any = None
        cancelled = False
        while True:
            try:
                yielded = self._take_turn(resume, value)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            try:
                value = yield yielded
                resume = coroutine.send
            except BaseException as error:
                if cancelled:
                    _abandon(coroutine)
                    raise
                cancelled = isinstance(error, asyncio.CancelledError)
                value = error
                resume = coroutine.throw

    def _take_turn(self, resume: Callable[[Any], Any], value: Any) -> Any:
        began = self._turn = time.monotonic()
        try:
            yielded = resume(value)
        except _Interrupt:
            raise _blocked(time.monotonic() - began) from None
        finally:
            self._turn = None
        if (lasted := time.monotonic() - began) > self.limit:
            raise _blocked(lasted)
        return yielded

    def _watch(self) -> None:
        main = threading.main_thread().ident or 0
        while not self._stopped.wait(self.limit / 4):
            turn = self._turn
            if turn is not None and time.monotonic() - turn > self.limit:
                signal.pthread_kill(main, signal.SIGURG)

    def _interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        turn = self._turn
        if turn is not None and time.monotonic() - turn > self.limit:
            raise _Interrupt


def _abandon(coroutine: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(RuntimeError):  # it awaits once more, even now
        coroutine.close()


def _blocked(seconds: float) -> PermanentFailure:
    return PermanentFailure(
        f"the action kept the event loop to itself for {seconds:.1f} s; "
        "it must await, or give long work to asyncio.to_thread()"
    )
