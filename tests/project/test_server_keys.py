import stat
from pathlib import Path

import pytest

from jackfield.errors import ConfigurationError
from jackfield.project.server_keys import Addresses, read_or_make_secret


def test_addresses_survive_a_restart_and_differ_by_pipeline_version_and_project(tmp_path: Path) -> None:
    first, again = Addresses.load(tmp_path / "a"), Addresses.load(tmp_path / "a")
    assert first.path("x", 1) == again.path("x", 1)
    other = Addresses.load(tmp_path / "b")
    assert len({first.path("x", 1), first.path("x", 2), first.path("y", 1), other.path("x", 1)}) == 4


def test_a_pipelines_name_and_version_cannot_be_mistaken_for_another_pair(tmp_path: Path) -> None:
    addresses = Addresses.load(tmp_path)
    assert addresses.token("x", 11) != addresses.token("x:1", 1)


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    secret = read_or_make_secret(tmp_path / "var" / "server.key")
    assert len(secret) == 64
    assert stat.S_IMODE((tmp_path / "var" / "server.key").stat().st_mode) == 0o600
    assert read_or_make_secret(tmp_path / "var" / "server.key") == secret


@pytest.mark.parametrize("text", ["", "short\n", "g" * 64, "a" * 63 + "é"])
def test_a_damaged_key_is_refused_for_it_would_let_everybody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.key").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is damaged"):
        Addresses.load(tmp_path)
