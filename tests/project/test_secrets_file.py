"""Setting and deleting secrets in `secrets.toml`."""

from __future__ import annotations

import stat
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import ConfigurationError
from jackfield.project.secrets import SECRETS_FILE, Secrets
from jackfield.project.secrets_file import delete_secret, put_secret, secrets_in_file

BEFORE = "# ours\nA = \"first\"   # of the CRM\n\n# theirs\nB = 'second'\n"


def test_a_file_is_made_that_nobody_else_may_open(tmp_path: Path) -> None:
    put_secret(tmp_path, "TOKEN", "t0ken-1")
    assert stat.S_IMODE((tmp_path / SECRETS_FILE).stat().st_mode) == 0o600
    assert dict(Secrets.load(tmp_path, {})) == {"TOKEN": "t0ken-1"}
    assert [path.name for path in tmp_path.iterdir()] == [SECRETS_FILE]


def test_comments_and_order_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / SECRETS_FILE).write_text(BEFORE)
    put_secret(tmp_path, "A", "third")
    put_secret(tmp_path, "C", "fourth")
    assert (tmp_path / SECRETS_FILE).read_text() == BEFORE.replace('"first"', '"third"') + 'C = "fourth"\n'
    assert stat.S_IMODE((tmp_path / SECRETS_FILE).stat().st_mode) == 0o600
    delete_secret(tmp_path, "C")
    delete_secret(tmp_path, "never there")
    assert (tmp_path / SECRETS_FILE).read_text() == BEFORE.replace('"first"', '"third"')


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_value_comes_back(value: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        put_secret(folder, "A", "x")
        put_secret(folder, "TOKEN", value)
        assert tomllib.loads((folder / SECRETS_FILE).read_bytes().decode()) == {"A": "x", "TOKEN": value}
        assert secrets_in_file(folder) == {"A", "TOKEN"}


def test_a_value_of_several_lines_stands_on_several_lines(tmp_path: Path) -> None:
    (tmp_path / SECRETS_FILE).write_text(BEFORE)
    put_secret(tmp_path, "A", "-----BEGIN KEY-----\nab/c+d==\n-----END KEY-----\n")
    said = '"""\n-----BEGIN KEY-----\nab/c+d==\n-----END KEY-----\n"""'
    assert (tmp_path / SECRETS_FILE).read_text() == BEFORE.replace('"first"', said)
    put_secret(tmp_path, "A", "first")
    assert (tmp_path / SECRETS_FILE).read_text() == BEFORE
    hard = 'one\n"""\\ two\t\r\x00\x7f"\n'
    put_secret(tmp_path, "A", hard)
    assert Secrets.load(tmp_path, {})["A"] == hard


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A.B", "a b", "../x", "Ю", "A\n"])
def test_a_name_that_no_secret_may_have_is_turned_down(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the name is all there is to say
        put_secret(tmp_path, name, "value")
    assert not (tmp_path / SECRETS_FILE).exists()


def test_a_value_that_says_nothing_or_cannot_be_written_is_turned_down(tmp_path: Path) -> None:
    for value in ("", "\ud800"):
        with pytest.raises(ValueError):  # noqa: PT011 - the value must not be in it
            put_secret(tmp_path, "A", value)
    assert not (tmp_path / SECRETS_FILE).exists()


@pytest.mark.parametrize("text", ["A = ", "[A]\nb = 1\n", "A = 1\n"])
def test_a_file_with_mistakes_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / SECRETS_FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=SECRETS_FILE):
        put_secret(tmp_path, "B", "value")
    assert (tmp_path / SECRETS_FILE).read_text() == text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text('A = "first"\n')
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / SECRETS_FILE).symlink_to(elsewhere)
    put_secret(tmp_path / "project", "A", "second")
    assert elsewhere.read_text() == 'A = "second"\n'
    assert (tmp_path / "project" / SECRETS_FILE).is_symlink()


def test_those_who_set_secrets_at_the_same_time_lose_none(tmp_path: Path) -> None:
    names = [f"NAME_{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put_secret(tmp_path, name, "a value"), names))
    assert secrets_in_file(tmp_path) == frozenset(names)
