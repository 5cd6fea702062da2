import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_filters.money import AmbiguousMoneyError, NotMoneyError, money


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("24 900", 24900),
        ("24\u00a0900,50", 24900.5),
        ("24\u202f900,50 ₽", 24900.5),
        ("12 000,00 руб.", 12000),
        ("12000.00 рублей", 12000),
        ("1,234.56", 1234.56),
        ("1.234,56 €", 1234.56),
        ("1,234,567", 1234567),
        ("1'234.50", 1234.5),
        ("$ 0.99", 0.99),
        ("RUB 7", 7),
        ("0,500", 0.5),
        ("1234,567", 1234.567),
        ("-5,5", -5.5),
        ("−$5", -5),
        ("0", 0),
        (7, 7),
        (7.5, 7.5),
        (7.0, 7),
    ],
)
def test_an_amount_is_read_as_people_write_it(written: object, number: float) -> None:
    result = money(written)
    assert (result, type(result)) == (number, type(number))


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 99),
    st.sampled_from([" ", "\u00a0", "\u202f", "", "."]),
    st.sampled_from(["", " руб.", "₽", "\u00a0RUB"]),
)
def test_an_amount_comes_back_however_it_is_grouped(whole: int, cents: int, group: str, currency: str) -> None:
    written = f"{whole:,}".replace(",", group) + f",{cents:02}{currency}"
    assert money(written) == float(f"{whole}.{cents:02}")


@pytest.mark.parametrize(
    ("written", "by_comma", "by_dot"),
    [("1,234", 1.234, 1234), ("24.900", 24900, 24.9), ("-999,000 руб.", -999, -999000)],
)
def test_an_amount_that_can_be_read_in_two_ways_is_refused_until_one_is_chosen(
    written: str, by_comma: float, by_dot: float
) -> None:
    with pytest.raises(AmbiguousMoneyError, match="say which"):
        money(written)
    assert (money(written, decimal=","), money(written, decimal=".")) == (by_comma, by_dot)


@pytest.mark.parametrize(
    "value",
    [
        "даром",
        "от 5 до 7",
        "до 5000",
        "1,23,4",
        "12 34",
        "0 500",
        "5 тыс",
        "5k",
        "10%",
        "5-10",
        "5.",
        "1e5",
        "(5)",
        "٣",
    ],
)
def test_what_is_not_one_amount_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(NotMoneyError) as refused:
        money(value)
    assert f" {value} " not in f" {refused.value} "


@pytest.mark.parametrize("value", ["12345678901234567.89", "0." + "1" * 40, "9" * 100, float("nan"), float("inf")])
def test_an_amount_that_json_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(NotMoneyError):
        money(value)


@pytest.mark.parametrize("value", [True, [5], {"a": 5}])
def test_what_is_neither_text_nor_a_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        money(value)


@pytest.mark.parametrize("decimal", ["", "-", ",."])
def test_only_a_comma_or_a_dot_can_be_the_decimal_character(decimal: str) -> None:
    with pytest.raises(NotMoneyError, match="decimal must be"):
        money("5", decimal=decimal)


@given(st.text("0123456789 .,'-−рубRUB$%\u00a0", max_size=80))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        result = money(text)
    except (NotMoneyError, AmbiguousMoneyError):
        return
    assert isinstance(result, int | float) or not text.strip()
