"""A place where Jackfield is installed as its users install it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import clean_environ

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment, which knows nothing of this repository."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def jackfield(self) -> Path:
        return self.folder / "bin" / "jackfield"

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a `jackfield` command."""
        return run(self.jackfield, *arguments, cwd=cwd)

    def pip(self, *arguments: str | Path, cwd: Path = Path("/")) -> None:
        """Run pip, which must succeed."""
        done = run(self.python, "-m", "pip", "--quiet", *arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def having(self, *wheels: Path) -> Iterator[None]:
        """Have wheels installed for as long as the block lasts."""
        self.pip("install", *wheels)
        try:
            yield
        finally:
            self.pip("uninstall", "--yes", *(wheel.name.partition("-")[0] for wheel in wheels))


def run(*command: str | Path, cwd: Path, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command outside this repository's environment."""
    return subprocess.run(
        command, cwd=cwd, env=environ or clean_environ(), capture_output=True, text=True, timeout=240, check=False
    )
