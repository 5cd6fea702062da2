import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from jackfield.errors import LoopHeld
from jackfield.runs.watchdog.watchdog import Watchdog


async def spin_for_ever() -> None:
    while True:
        pass


async def sleep_without_awaiting() -> None:
    time.sleep(60)


async def swallow_everything() -> None:
    while True:
        try:
            time.sleep(60)
        except Exception:  # noqa: BLE001
            continue


async def block_in_a_task_of_its_own() -> None:
    await asyncio.gather(sleep_without_awaiting())


async def block_in_a_task_under_a_time_limit() -> None:
    await asyncio.wait_for(sleep_without_awaiting(), 100)


@pytest.mark.parametrize(
    "stubborn",
    [
        spin_for_ever,
        sleep_without_awaiting,
        swallow_everything,
        block_in_a_task_of_its_own,
        block_in_a_task_under_a_time_limit,
    ],
)
def test_a_coroutine_that_never_yields_is_interrupted(stubborn: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        watchdog = Watchdog(limit=0.1)
        watchdog.start()
        try:
            with pytest.raises(LoopHeld, match="kept the event loop to itself"):
                await watchdog.guard(stubborn())
        finally:
            watchdog.stop()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10


def test_a_callback_that_an_action_leaves_behind_cannot_stop_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    async def leave_a_callback() -> str:
        asyncio.get_running_loop().call_soon(time.sleep, 60)
        return "done"

    async def main() -> None:
        watchdog = Watchdog(limit=0.1)
        watchdog.start()
        try:
            assert await watchdog.guard(leave_a_callback()) == "done"
            await asyncio.sleep(0)
        finally:
            watchdog.stop()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10
    assert "Exception in callback" in caplog.text


def test_what_is_no_action_is_left_alone() -> None:
    async def main() -> None:
        watchdog = Watchdog(limit=0.05)
        watchdog.start()
        try:
            time.sleep(0.3)
        finally:
            watchdog.stop()

    asyncio.run(main())


def test_code_of_the_host_is_left_alone_though_an_action_has_called_it() -> None:
    host: dict[str, Any] = {"__name__": "jackfield.http.client", "time": time}
    exec("def send():\n    time.sleep(0.6)\n    return 'sent'", host)

    async def call_the_host() -> Any:
        return host["send"]()

    async def main() -> Any:
        watchdog = Watchdog(limit=0.1)
        watchdog.start()
        try:
            return await watchdog.guard(call_the_host())
        finally:
            watchdog.stop()

    assert asyncio.run(main()) == "sent"


def test_an_action_that_goes_on_after_others_held_up_the_loop_is_left_alone() -> None:
    async def briefly(times: int) -> str:
        for _ in range(times):
            time.sleep(0.02)
            await asyncio.sleep(0)
        return "done"

    async def main() -> list[str]:
        watchdog = Watchdog(limit=0.1)
        watchdog.start()
        try:
            going = [asyncio.create_task(watchdog.guard(briefly(20))) for _ in range(3)]
            await asyncio.sleep(0)
            time.sleep(0.6)
            return await asyncio.gather(*going)
        finally:
            watchdog.stop()

    assert asyncio.run(main()) == ["done"] * 3


def test_a_coroutine_that_awaits_may_take_its_time() -> None:
    async def patient() -> str:
        for _ in range(5):
            await asyncio.sleep(0.05)
        return "done"

    async def main() -> str:
        watchdog = Watchdog(limit=0.1)
        watchdog.start()
        try:
            return await watchdog.guard(patient())
        finally:
            watchdog.stop()

    assert asyncio.run(main()) == "done"


def test_exceptions_and_cancellation_pass_through() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise KeyError("its own")

    async def cancelled() -> None:
        async def wait(started: asyncio.Event) -> None:
            started.set()
            await asyncio.Event().wait()

        async def guarded(started: asyncio.Event) -> None:
            await Watchdog().guard(wait(started))

        started = asyncio.Event()
        task = asyncio.ensure_future(guarded(started))
        await started.wait()
        task.cancel()
        await task

    async def main() -> None:
        with pytest.raises(KeyError, match="its own"):
            await Watchdog().guard(failing())
        with pytest.raises(asyncio.CancelledError):
            await cancelled()

    asyncio.run(main())
