import os

from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: hosts that start and stop wait for most of the time."""
    return (os.cpu_count() or 1) + 1
