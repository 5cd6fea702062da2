"""Tests of what in a text looks like a key."""

from __future__ import annotations

import pytest

from jackfield.project.key_patterns import KeyFinder, certain_keys, is_likely_secret, possible_keys, whole_text


def found(find: KeyFinder, text: str) -> list[str]:
    return [text[start:end] for start, end in sorted({*find(text)})]


def test_a_key_of_a_known_service_is_found_in_a_sentence() -> None:
    key = "ghp_" + "abcDEF0123" * 3
    assert key in found(certain_keys, f"use {key} here")


def test_a_plain_sentence_has_no_key() -> None:
    text = "Orders of the day go to the customer, and that is all."
    assert found(certain_keys, text) == []
    assert found(possible_keys, text) == []


def test_a_short_code_is_possibly_a_key_and_not_certainly() -> None:
    assert found(possible_keys, "the code is abc12345") == ["abc12345"]
    assert found(certain_keys, "the code is abc12345") == []


@pytest.mark.parametrize(("text", "whole"), [("  a b ", ["a b"]), ("   ", []), ("", [])])
def test_the_whole_text_goes_without_the_spaces_around_it(text: str, whole: list[str]) -> None:
    assert found(whole_text, text) == whole


@pytest.mark.parametrize(
    ("field", "text", "likely"),
    [
        ("password", "hunter22", True),
        ("password", "hunt", False),
        ("password", "<your password>", False),
        ("key", "customer", False),
        ("key", "customer42x", True),
        ("colour", "hunter22", False),
    ],
)
def test_a_secret_has_the_name_and_the_length_of_one(field: str, text: str, *, likely: bool) -> None:
    assert is_likely_secret(field, text) is likely
