import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_filters.phone import NotAPhoneNumberError, UnknownRegionError, phone


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+7 999 123-45-67", "+79991234567"),
        ("8 (916) 123-45-67", "+79161234567"),
        ("79161234567", "+79161234567"),
        ("9161234567", "+79161234567"),
        (79161234567, "+79161234567"),
        ("8 (495) 123-45-67 доб. 12", "+74951234567"),
        ("8 701 123 45 67", "+77011234567"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_number_is_written_in_e164(written: object, number: str) -> None:
    assert phone(written) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (" 79161234567", "+79161234567"),
        (" 380501234567", "+380501234567"),
        (" 89161234567", "+79161234567"),
        (" 4951234567", "+74951234567"),
    ],
)
def test_a_space_in_front_stands_for_a_plus_only_where_nothing_else_makes_sense(written: str, number: str) -> None:
    assert phone(written) == number


def test_a_number_is_read_as_its_region_dials_it() -> None:
    assert phone("020 7946 0958", region="GB") == "+442079460958"


@pytest.mark.parametrize(
    "value",
    ["123", "не скажу", "+7 000", "+7916123456", "442079460958", "89161234567, 89031234567", "8" * 400, "\x00", "+"],
)
def test_what_is_not_one_valid_number_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(NotAPhoneNumberError) as refused:
        phone(value)
    assert value not in str(refused.value)


@pytest.mark.parametrize("region", ["XX", "ru", "", "Россия"])
def test_an_unknown_region_is_refused_even_where_it_is_not_needed(region: str) -> None:
    with pytest.raises(UnknownRegionError):
        phone("+79161234567", region=region)


@pytest.mark.parametrize("value", [True, ["+79161234567"], {"phone": 1}])
def test_what_is_neither_text_nor_a_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        phone(value)


@given(st.integers(9_000_000_000, 9_999_999_999), st.sampled_from(["+7", "7", "8", "", " 7", "8 ", "+7-"]))
def test_a_mobile_number_comes_to_the_same_however_it_is_written(national: int, prefix: str) -> None:
    if phonenumbers.is_valid_number(phonenumbers.parse(f"+7{national}")):
        assert phone(f"{prefix}{national}") == f"+7{national}"
