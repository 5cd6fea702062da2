"""Passwords that are guessed first are refused; others are not."""

from __future__ import annotations

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.access.passwords import Weakness, weakness

_SIGNS = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    "password",
    [
        "1234567890", "0987654321", "qwertyuiop", "QwertyUiop", "password123", "P@ssw0rd2024", "Passw0rd!!",
        "1111111111", "aaaaaaaaab", "1212121212", "abcdefghij", "qwerty12345", "йцукенгшщз", "Пароль2024!",
        "adminadmin", "jackfield1", "getcourse2026", "!!letmein!!", "passwordpassword", "1q1q1q1q1q", "zxcvbnm123",
        "12345qwert",
    ],
)  # fmt: skip
def test_what_everybody_takes_is_refused(password: str) -> None:
    assert weakness(password, "anna") is Weakness.COMMON


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("annapetrova", "annapetrova"),
        ("annapetrova", "AnnaPetrova2024"),
        ("anna", "anna.1990.a"),
        ("вера-к", "вера-к-123"),
    ],
)
def test_the_users_own_name_is_no_password(name: str, password: str) -> None:
    assert weakness(password, name) is Weakness.NAME


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "три белых кота",
        "annas-cat-likes-fish",
        "Tr0ub4dor&3x",
        "xk7#pq9!vm2z",
        "a third password",
    ],
)
def test_a_password_with_something_of_its_own_is_taken(password: str) -> None:
    assert weakness(password, "anna") is None


@given(st.integers(12, 40).map(lambda size: "".join(secrets.choice(_SIGNS) for _ in range(size))))
def test_a_random_password_is_taken(password: str) -> None:
    assert weakness(password, "operator") is None


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_typed_gets_an_answer(password: str, name: str) -> None:
    assert (weakness(password, name) is Weakness.LENGTH) == (len(password) < 10)
