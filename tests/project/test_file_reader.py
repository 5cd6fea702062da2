import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.project.file_reader import read_file


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


def _socket(path: Path) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{short}/s")
        path.symlink_to(path.with_suffix(".socket"))
        Path(short, "s").rename(path.with_suffix(".socket"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_fifo, "it is a named pipe, and only a regular file is read"),
        (_device, "it is a device, and only a regular file is read"),
        (Path.mkdir, "it is a folder, and only a regular file is read"),
        (_socket, "it is a socket, and only a regular file is read"),
        (_loop, "Too many levels of symbolic links"),
        (_huge, "it has more than 1 MB, and no file of this kind needs that"),
    ],
)
def test_what_is_no_regular_file_of_a_fair_size_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError, match="x") as caught:
        read_file(tmp_path / "x", 1)
    assert caught.value.strerror == said


def test_a_file_is_read_whole_up_to_its_limit_also_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"a" * 1_000_000)
    (tmp_path / "link").symlink_to("there")
    assert read_file(tmp_path / "link", 1) == b"a" * 1_000_000


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "x", 1)
