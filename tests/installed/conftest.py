from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.installed.environment import REPOSITORY, Environment, run

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests in this folder take longer: they build, download and install."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution of everything, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    beside = Path(sys.executable).with_name("uv")
    uv = os.environ.get("UV") or (beside if beside.exists() else shutil.which("uv"))
    assert uv is not None, "install uv, as CONTRIBUTING.md says"
    built = run(uv, "build", "--all-packages", "--out-dir", folder, cwd=REPOSITORY)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def environment(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Jackfield and its plugins, installed from their wheels by pip alone."""
    environment = Environment(tmp_path_factory.mktemp("installed") / "venv")
    made = run(sys.executable, "-m", "venv", environment.folder, cwd=environment.folder.parent)
    assert made.returncode == 0, made.stderr
    # Named by their files: whatever an index may have under these names is not what is tested.
    core, *plugins = sorted(distributions.glob("*.whl"))
    constraints = REPOSITORY / "constraints.txt"
    environment.pip("install", "--constraint", constraints, f"{core}[standard]", *plugins)
    return environment
