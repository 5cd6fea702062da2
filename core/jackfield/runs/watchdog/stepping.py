"""Tells, from the outside, when the code of a coroutine is executing and when it waits."""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


@types.coroutine
def stepped(coroutine: Coroutine[Any, Any, T], executing: Callable[[bool], object]) -> Generator[Any, Any, T]:
    """Await a coroutine; `executing` is called with True whenever its code goes on, and with False when it waits."""
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None
    while True:
        executing(True)  # noqa: FBT003 - the callback's whole meaning
        try:
            yielded = resume(value)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            executing(False)  # noqa: FBT003
        try:
            value = yield yielded
            resume = coroutine.send
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's to handle
            value = error
            resume = coroutine.throw
