import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.masking import MASKED, secret_mask

LONG = st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40), st.integers(60, 90)).map(
    lambda drawn: (drawn[0] * (2001 // len(drawn[0]) + 1))[: 2001 + drawn[1]]
)


@given(LONG)
@example("0000\\\\" * 400)
@example("%41" * 800)
def test_a_secret_of_thousands_of_characters_is_masked_however_it_is_written(secret: str) -> None:
    mask = secret_mask([secret])
    for written in (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ):
        assert mask(f"<{written}>") == f"<{MASKED}>"


@pytest.mark.parametrize("letter", ["z", "é", "я"])
def test_a_long_secret_that_was_broken_off_is_masked(letter: str) -> None:
    secret = "".join(f"{letter}{number}" for number in range(1000))
    assert secret_mask([secret])(f"key {secret[: len(secret) // 2]}... is wrong") == f"key {MASKED}... is wrong"
