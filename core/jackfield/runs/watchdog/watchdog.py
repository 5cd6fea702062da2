"""Keeps an action that never yields from stopping the host.

All actions share one event loop. One that computes or sleeps without awaiting would hold up every other run and every
request that comes in. So the loop has a heartbeat, and a thread listens to it. When it stays away, the thread looks at
what is on the main thread's stack. If that is one and the same call of an action's own code for too long, it sends a
signal, and what runs there is interrupted by an exception. A context variable tells that it belongs to an action: it
goes along with whatever tasks and callbacks the action starts. The signal is SIGURG, which is ignored by default and
which the Go runtime uses for the same purpose.

Time is what the thread itself has seen, in short waits: a process that is stopped, or a machine that is asleep or
overloaded, is late with those as well, and nobody is blamed. Code of the host is never interrupted, also where an
action has called it.

It interrupts Python code and system calls; a C extension that keeps the interpreter to itself is stopped only when it
returns. Code of a plugin that swallows the interrupt ends the process in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import types
from collections.abc import Callable, Collection, Coroutine, Generator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

from jackfield.errors import LoopHeld
from jackfield.runs.watchdog.last_resort import end_process
from jackfield.runs.watchdog.stacks import module_of, own_root, place_of, plugin_root
from jackfield.runs.watchdog.stepping import stepped

T = TypeVar("T")
DEFAULT_LIMIT: Final = 2.0
_LOOKS: Final = 8
"""How often the thread has to see the same call before it is interrupted."""
_PATIENCE: Final = 2.0


class _Interrupt(BaseException):
    """Raised inside of the action. No `Exception`, so that the action's own handlers let it through."""


class Watchdog:
    """Watches over the actions that run on one event loop. `limit` is how many seconds they may hold it up.

    `start()` must be called on the main thread, where Python runs signal handlers; elsewhere nothing is watched.
    `plugins` are top-level packages: their code, whoever has called it, ends the process if it holds up the loop for
    `hang_limit` seconds.
    """

    def __init__(
        self, limit: float = DEFAULT_LIMIT, *, hang_limit: float | None = None, plugins: Collection[str] = ()
    ) -> None:
        self.limit = limit
        self._wait = limit / _LOOKS
        self._hangs_after = None if hang_limit is None else max(hang_limit / self._wait, _LOOKS + 1)
        self._plugins = plugins
        self._in_action: ContextVar[bool] = ContextVar("in_action", default=False)
        self._beats = 0
        self._beats_seen = 0
        self._own = _Call()
        self._plugin = _Call()
        self._names: dict[object, str] = {}
        self._heartbeat: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._main = _Thread(threading.main_thread())
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

    async def guard(
        self, coroutine: Coroutine[Any, Any, T], name: str = "", executing: Callable[[bool], object] = bool
    ) -> T:
        """Await the coroutine of an action; `name` says in the log what it does.

        `executing` is called with True whenever its code goes on, and with False when it waits. Raises `LoopHeld` if
        the coroutine, or a task of its, holds up the loop. One that goes on after its cancellation is abandoned, two
        seconds later or when it is cancelled again.
        """
        token = self._in_action.set(True)
        self._names[coroutine] = name
        try:
            return await _until_cancelled_twice(stepped(coroutine, executing))
        except _Interrupt:
            raise LoopHeld(
                f"the action kept the event loop to itself for more than {self.limit:g} s; "
                "it must await, or give long work to asyncio.to_thread()"
            ) from None
        finally:
            del self._names[coroutine]
            self._in_action.reset(token)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beats += 1
        self._heartbeat = loop.call_later(self._wait / 2, self._beat, loop)

    def _listen(self) -> None:
        while not self._stopped.wait(self._wait):
            if self._beats != self._beats_seen:
                self._beats_seen = self._beats
                self._own.forget()
                self._plugin.forget()
            elif not self._main.starved(self._wait):
                self._look(sys._current_frames().get(self._main.ident))  # noqa: SLF001 - its documented name

    def _look(self, frame: types.FrameType | None) -> None:
        if self._own.seen(own_root(frame)) >= _LOOKS:
            signal.pthread_kill(self._main.ident, signal.SIGURG)
        root = plugin_root(frame, self._plugins)
        seen = self._plugin.seen(root)
        if root is not None and self._hangs_after is not None and seen >= self._hangs_after:
            self._end_process(root)

    def _interrupt(self, _signal: int, frame: types.FrameType | None) -> None:
        held = self._own.times >= _LOOKS and own_root(frame) is self._own.frame
        if held and self._in_action.get() and self._beats == self._beats_seen:
            raise _Interrupt

    def _end_process(self, root: types.FrameType) -> None:
        doing = [name for one, name in self._names.copy().items() if getattr(one, "cr_frame", None) is root]
        end_process(
            "the process ends itself: code of a plugin holds up the event loop and cannot be interrupted",
            plugin=module_of(root),
            doing="".join(doing) or root.f_code.co_name,
            place=place_of(root),
        )


class _Call:
    """One call that is on the stack, known by its outermost frame, and how often it was seen there in a row."""

    def __init__(self) -> None:
        self.frame: types.FrameType | None = None
        self.times = 0

    def seen(self, frame: types.FrameType | None) -> int:
        """Count this call; another one, or none, begins anew."""
        self.times = self.times + 1 if frame is not None and frame is self.frame else 0
        self.frame = frame
        return self.times

    def forget(self) -> None:
        """Let go of it: a frame keeps all its values alive."""
        self.frame, self.times = None, 0


class _Thread:
    """A thread, and whether it gets the processor that it wants."""

    def __init__(self, thread: threading.Thread) -> None:
        self.ident = thread.ident or 0
        self._statistics = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        self._waited = 0

    def starved(self, seconds: float) -> bool:
        """Say whether it wanted to run, and could not, for half of these last seconds; only Linux knows."""
        try:
            waited = int(self._statistics.read_text("ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return False
        lost, self._waited = waited - self._waited, waited
        return lost > seconds * 5e8


@types.coroutine
def _until_cancelled_twice(coroutine: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
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


def _abandon(coroutine: Generator[Any, Any, Any]) -> None:
    with contextlib.suppress(RuntimeError):  # it awaits once more, even now
        coroutine.close()
