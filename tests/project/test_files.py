import stat
from pathlib import Path

import pytest

from jackfield.project.files import make_file, replace_file


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b"before")
    replace_file(file, b"after", 0o640)
    assert (file.read_bytes(), mode(file), names(tmp_path)) == (b"after", 0o640, ["a.toml"])


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"a\.toml"):
        replace_file(tmp_path / "a.toml", b"after")
    assert names(tmp_path) == ["a.toml"]


def test_of_two_who_make_a_file_the_first_one_wins_and_it_is_private(tmp_path: Path) -> None:
    make_file(tmp_path / "key", b"first")
    make_file(tmp_path / "key", b"second")
    assert ((tmp_path / "key").read_bytes(), mode(tmp_path / "key"), names(tmp_path)) == (b"first", 0o600, ["key"])
