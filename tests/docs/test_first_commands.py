"""The first commands of README and CONTRIBUTING, run as they stand with the Python that a fresh machine has."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.processes import clean_environ, until

pytestmark = [pytest.mark.once, pytest.mark.timeout(600)]

PATIENCE = 240.0
SYSTEM = Path("/usr/bin/python3")
OURS = {"UV_NO_SYNC", "UV_PROJECT_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE", "PYENV_VERSION", "PYTEST_XDIST_WORKER"}


def lines(document: str, heading: str) -> list[list[str]]:
    """Return the lines of each block of shell commands below a heading."""
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    begins = text[: text.index(f"\n{heading}\n")].count("\n")
    ends = begins + 2 + text.partition(f"\n{heading}\n")[2].partition("\n## ")[0].count("\n")
    return [block.text.splitlines() for block in blocks("sh", path) if begins < block.line <= ends]


def python() -> Path:
    """Return the system's Python where it is new enough, which Debian, Ubuntu and Homebrew let nobody install into."""
    if SYSTEM.exists():
        version = subprocess.run([SYSTEM, "-V"], capture_output=True, text=True, check=True).stdout
        if tuple(map(int, re.findall(r"\d+", version))) >= (3, 11):
            return SYSTEM
    return Path(sys.base_prefix) / "bin" / "python3"


class Terminal:
    """A shell into which somebody types."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.home = home
        self._shown = home / f"{len(list(home.glob('*.screen')))}.screen"
        environ = {name: value for name, value in clean_environ().items() if name not in OURS}
        environ |= {
            "HOME": str(home),
            "PATH": f"{_only(python(), home)}:/usr/bin:/bin",
            "PYTEST_ADDOPTS": "-n0 tests/components/test_units.py",
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        }
        with self._shown.open("wb") as screen:
            self._bash = subprocess.Popen(
                ["bash"], cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=screen, stderr=screen,
                text=True, start_new_session=True,
            )  # fmt: skip

    def screen(self) -> str:
        return self._shown.read_text(encoding="utf-8")

    def type(self, *lines: str, see: str) -> str:
        """Type lines, wait until this text is on the screen, and return what has come since."""
        before = len(self.screen())
        assert self._bash.stdin is not None
        self._bash.stdin.write("".join(f"{line}\n" for line in lines))
        self._bash.stdin.flush()
        try:
            until(lambda: see in self.screen()[before:] or self._bash.poll() is not None, see, PATIENCE)
        finally:
            shown = self.screen()[before:]
            if see not in shown:
                sys.stderr.write(shown)
        assert see in shown
        return shown

    def end(self) -> None:
        """End the shell and whatever runs in it."""
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()


def _only(program: Path, home: Path) -> Path:
    folder = home / "path"
    folder.mkdir(exist_ok=True)
    if not (folder / "python3").exists():
        (folder / "python3").symlink_to(program)
    return folder


@contextmanager
def terminal(folder: Path, home: Path) -> Iterator[Terminal]:
    made = Terminal(folder, home)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What somebody gets who clones this repository as it is now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folder = tmp_path / "clone"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_who_clones_the_repository_sees_the_demonstration_and_runs_the_tests(clone: Path, home: Path) -> None:
    [demo], [tests] = lines("README.md", "## Try it")
    with terminal(clone, home) as shell:
        shown = shell.type(demo, see="Ctrl+C")
        assert "got exactly what the pipeline says" in shown
    [setup, activate, *commands] = lines("CONTRIBUTING.md", "## Work on this repository")[0]
    assert demo.startswith(setup)
    [once] = [line for line in commands if "demo --once" in line]
    with terminal(clone, home) as shell:
        assert " failed" not in shell.type(tests, see=" passed in ")
        assert "got exactly what the pipeline says" in shell.type(activate, once, "echo it is $?", see="it is 0")


def test_who_installs_it_has_a_project_that_serves(clone: Path, home: Path) -> None:
    [install, *commands], beside = lines("README.md", "## Your own project")
    with terminal(clone, home) as shell:
        [serve] = [line for line in commands if line.startswith("jackfield serve")]
        before = commands[: commands.index(serve)]
        shown = shell.type(install, *before, "echo the last said $?", see="the last said")
        assert "the last said 0" in shown
        assert "secrets.toml" in shown  # what `check` misses
        settings = home / "my-school" / "jackfield.toml"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings.write_text(settings.read_text(encoding="utf-8").replace("port = 8000", f"port = {port}"))
        shell.type(serve, see="/first/")
        with terminal(clone, home) as other:
            cheap = [line for line in beside if "ID" not in line]
            assert "new-student" in other.type(*cheap, "echo the last said $?", see="the last said 0")


@pytest.mark.parametrize(
    ("english", "russian"), [("## Try it", "## Посмотреть в работе"), ("## Your own project", "## Свой проект")]
)
def test_the_russian_readme_has_the_same_commands(english: str, russian: str) -> None:
    first, second = (
        [[line.partition(" #")[0].rstrip() for line in block] for block in lines(document, heading)]
        for document, heading in (("README.md", english), ("README.ru.md", russian))
    )
    assert first == second
