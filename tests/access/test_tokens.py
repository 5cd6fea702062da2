import stat
from datetime import timedelta
from pathlib import Path

import pytest

from jackfield.access.tokens import MOST_TOKENS, InvalidToken, InvalidTokenReason, Tokens
from jackfield.access.users import Role
from jackfield.errors import ConfigurationError
from tests.support import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> Tokens:
    return Tokens(tmp_path, clock)


def refusal(tokens: Tokens, name: str) -> InvalidTokenReason:
    with pytest.raises(InvalidToken) as refused:
        tokens.make(name, Role.VIEWER)
    return refused.value.reason


def test_a_token_is_found_by_its_text_only(tokens: Tokens) -> None:
    made = tokens.make("CRM", Role.VIEWER)
    found = tokens.find(made.encode())
    assert found is not None
    assert (found.name, found.role) == ("CRM", Role.VIEWER)
    for other in (made[:-1], made + "x", found.sha256, "CRM", "", "ё"):
        assert tokens.find(other.encode()) is None


def test_the_file_is_its_owners_alone_and_opens_no_door(tokens: Tokens, tmp_path: Path) -> None:
    made = tokens.make("CRM", Role.OPERATOR)
    file = tmp_path / "tokens.json"
    assert made not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_revoked_token_is_worthless_at_once_and_its_name_free(tokens: Tokens, tmp_path: Path) -> None:
    made = tokens.make("CRM", Role.OPERATOR)
    assert refusal(tokens, "CRM") is InvalidTokenReason.TAKEN
    assert Tokens(tmp_path).revoke("CRM")
    assert tokens.find(made.encode()) is None
    assert not tokens.revoke("CRM")
    assert tokens.make("CRM", Role.OPERATOR) != made


@pytest.mark.parametrize("name", ["", " x", "x ", "x" * 61, "a\nb", "a\u202eb"])
def test_a_name_can_be_read(tokens: Tokens, name: str) -> None:
    assert refusal(tokens, name) is InvalidTokenReason.NAME


def test_they_are_not_endlessly_many(tokens: Tokens) -> None:
    for number in range(MOST_TOKENS):
        tokens.make(str(number), Role.VIEWER)
    assert refusal(tokens, "one more") is InvalidTokenReason.MANY


def test_the_last_use_is_noted_once_an_hour(tokens: Tokens, clock: Clock) -> None:
    made = tokens.make("CRM", Role.VIEWER).encode()

    def due() -> bool:
        found = tokens.find(made)
        assert found is not None
        if tokens.to_be_noted(found):
            tokens.note_used(found)
            return True
        return False

    assert [due(), due()] == [True, False]
    clock.time += timedelta(minutes=59)
    assert not due()
    clock.time += timedelta(minutes=1)
    assert due()
    assert tokens.all()[0].last_used == clock.time


def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('{"tokens": [{"name": "x"}]}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"tokens\.json: is damaged; put its copy back"):
        tokens.find(b"x")
