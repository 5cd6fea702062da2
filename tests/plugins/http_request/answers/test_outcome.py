from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import PermanentFailure, TemporaryFailure
from jackfield.masking import Mask
from jackfield_http_request.answers.answer import Answer
from jackfield_http_request.answers.outcome import failure, is_success, read_patterns

_STATUS = st.integers(100, 999)


@given(_STATUS, _STATUS, _STATUS)
def test_a_range_holds_what_lies_between_its_ends(status: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert is_success(status, read_patterns(f"{low}-{high}")) == (low <= status <= high)


@given(_STATUS, _STATUS)
def test_a_status_fits_itself_and_the_patterns_with_some_of_its_digits_starred(status: int, other: int) -> None:
    digits = str(status)
    assert is_success(other, read_patterns(status)) == (other == status)
    assert is_success(other, read_patterns(f"{digits[0]}**")) == (other // 100 == status // 100)
    assert is_success(other, read_patterns(f"{digits[:2]}*")) == (other // 10 == status // 10)
    assert is_success(other, read_patterns("***"))


def test_one_of_several_patterns_is_enough() -> None:
    patterns = read_patterns(["200-204", 404])
    assert [status for status in range(100, 600) if is_success(status, patterns)] == [*range(200, 205), 404]


@given(_STATUS)
def test_only_some_statuses_are_worth_another_attempt(status: int) -> None:
    expected = TemporaryFailure if status in {408, 425, 429} or 500 <= status < 600 else PermanentFailure
    assert type(failure("crm", Answer(status, httpx.Headers(), b""))) is expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "crm answered 500"),
        (b'\xef\xbb\xbf{"error":\r\n "bad"}\x00\n', r'crm answered 500: {"error":\r\n "bad"}\x00'),
        ("я".encode() * 500, f"crm answered 500: {'я' * 500}"),
        ("я".encode() * 501, "crm answered 500: a body of 1002 bytes, see the attempt"),
    ],
)
def test_a_message_has_the_status_and_a_short_answer(content: bytes, message: str) -> None:
    assert str(failure("crm", Answer(500, httpx.Headers(), content))) == message


def test_nothing_of_an_answer_that_was_cut_is_in_a_message() -> None:
    message = str(failure("crm", Answer(500, httpx.Headers(), b"half a sec", cut=True)))
    assert message == "crm answered 500: a body of more than 10 bytes, see the attempt"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=700), st.text("s3cret-\n\x00я ", min_size=8))
def test_no_part_of_a_secret_is_in_a_message(before: str, secret: str) -> None:
    mask = Mask([f"<{secret}>"])
    message = mask(str(failure("crm", Answer(500, httpx.Headers(), f"{before}<{secret}>".encode()))))
    assert message.endswith(("***", "see the attempt"))


@given(st.binary(max_size=3000))
def test_a_message_is_one_short_line_whatever_the_answer(content: bytes) -> None:
    text = str(failure("crm", Answer(500, httpx.Headers(), content)))
    assert text.isprintable() or all(char.isprintable() or ord(char) > 0x9F for char in text)
    assert len(text) <= len("crm answered 500: ") + 500
