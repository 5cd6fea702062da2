from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_filters.encoding import NotBase64Error, decode_base64, encode_base64

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.booleans(), st.booleans())
def test_a_text_comes_back_from_either_alphabet_with_padding_or_without(text: str, urlsafe: bool, bare: bool) -> None:  # noqa: FBT001
    encoded = encode_base64(text, urlsafe=urlsafe)
    assert decode_base64(encoded.rstrip("=") if bare else encoded) == text


def test_the_alphabet_is_the_one_that_is_asked_for() -> None:
    assert (encode_base64("ы>?"), encode_base64("ы>?", urlsafe=True)) == ("0Ys+Pw==", "0Ys-Pw==")


def test_line_breaks_in_base64_do_not_matter() -> None:
    assert decode_base64("0JDQ\r\nvdC9 0LA=\n") == "Анна"


@pytest.mark.parametrize("value", ["!", "ж", "abcde", b64encode(b"\xff").decode()])
def test_what_is_no_text_in_base64_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(NotBase64Error, match="this is not the Base64 of a text"):
        decode_base64(value)


@pytest.mark.parametrize("value", [None, True, ["a"], {"a": 1}])
def test_what_is_neither_text_nor_a_number_is_refused(value: object) -> None:
    for function in (encode_base64, decode_base64):
        with pytest.raises(TypeError, match="tojson"):
            function(value)
