import os
from collections.abc import Iterator
from functools import partial
from pathlib import PurePath

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("untimed", settings(), deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")

_SLOW = (
    "tests/installed",
    "tests/docs/test_first_commands.py",
    "tests/host/test_kill.py",
    "tests/browser",
    "tests/cli/commands/test_serve.py",
    "tests/web/server/test_listener.py",
    "tests/host/test_deadly.py",
    "tests/web/api/test_openapi.py",
)
"""What starts many processes, the slowest first."""


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords in a hundredth of the time: what argon2 costs on purpose is not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=1024, parallelism=1)
        patch.setattr("jackfield.access.users.PasswordHasher", cheap)
        yield


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: hosts that start and stop wait for most of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is slow: at the end, one process would work on it and the others would wait."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((place for place, name in enumerate(_SLOW) if item.nodeid.startswith(name)), len(_SLOW))


class _Scheduler(LoadFileScheduling):  # type: ignore[misc]
    """Gives a file to one process, and all that is installed too: they share an environment that takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/installed" if PurePath(file).is_relative_to("tests/installed") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    return _Scheduler(config, log)
