from __future__ import annotations

import hashlib
import hmac as standard
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jackfield_filters
from jackfield.errors import TemplateError
from jackfield.registry import Registry
from jackfield.templates import TemplateEngine

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SECRETS = {"KEY": "s3cret"}


def render(template: str, value: Any = None) -> Any:
    engine = TemplateEngine(SECRETS, Registry.of(jackfield_filters).filters)
    return engine.compile(template, "steps[0].url").render({"event": {"v": value}})


def test_the_plugin_is_whole() -> None:
    [plugin] = Registry.of(jackfield_filters).plugins
    assert plugin.error is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+7 999 123-45-67", "+79991234567"),
        ("8 (916) 123-45-67", "+79161234567"),
        ("79161234567", "+79161234567"),
        (" 79161234567", "+79161234567"),
        ("9161234567", "+79161234567"),
        (79161234567, "+79161234567"),
        ("+44 20 7946 0958", "+442079460958"),
        ("442079460958", "+442079460958"),
    ],
)
def test_a_phone_number_is_written_in_e164(written: object, number: str) -> None:
    assert render("{{ $.event.v | phone }}", written) == number


def test_a_phone_number_is_read_as_its_country_dials_it() -> None:
    assert render("{{ $.event.v | phone('GB') }}", "020 7946 0958") == "+442079460958"


@pytest.mark.parametrize("value", ["", "123", "не скажу", "+7 000", None])
def test_what_is_no_phone_number_fails_without_being_quoted(value: object) -> None:
    with pytest.raises(TemplateError, match="filter phone") as caught:
        render("{{ $.event.v | phone }}", value)
    assert "не скажу" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("24 900", 24900),
        ("24\u00a0900,50", 24900.5),
        ("24\u202f900,50 ₽", 24900.5),
        ("12 000,00 руб.", 12000),
        ("1,234.56", 1234.56),
        ("1.234,56 €", 1234.56),
        ("1,234,567", 1234567),
        ("$ 0.99", 0.99),
        ("-5,5", -5.5),
        ("−5", -5),
        ("1'234.50", 1234.5),
        (7, 7),
        (7.5, 7.5),
    ],
)
def test_a_sum_is_read_as_people_write_it(written: object, number: float) -> None:
    result = render("{{ $.event.v | money }}", written)
    assert (result, type(result)) == (number, type(number))


@given(st.integers(-(10**12), 10**12), st.integers(0, 99), st.sampled_from([" ", "\u00a0", "\u202f", ""]))
def test_a_sum_comes_back_however_its_thousands_are_parted(whole: int, cents: int, space: str) -> None:
    written = f"{whole:,}".replace(",", space) + f",{cents:02}"
    assert render("{{ $.event.v | money }}", written) == float(f"{whole}.{cents:02}")


@pytest.mark.parametrize("value", ["", "даром", "от 5 до 7 рублей за 3 дня и", "1,23,4", True])
def test_what_is_no_sum_fails(value: object) -> None:
    with pytest.raises(TemplateError, match="filter money"):
        render("{{ $.event.v | money }}", value)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-11-24", "2026-11-24T00:00:00"),
        ("2026-11-24 09:30:00", "2026-11-24T09:30:00"),
        ("2026-11-24T09:30:00+03:00", "2026-11-24T09:30:00+03:00"),
        ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00+00:00"),
        ("24.11.2026", "2026-11-24T00:00:00"),
        ("24.11.2026 09:30", "2026-11-24T09:30:00"),
        ("24.11.2026 09:30:15", "2026-11-24T09:30:15"),
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        (1700000000, "2023-11-14T22:13:20+00:00"),
    ],
)
def test_a_date_is_read_as_people_and_programs_write_it(written: object, iso: str) -> None:
    assert render("{{ $.event.v | date }}", written) == iso


def test_a_date_is_written_in_a_format_and_a_zone() -> None:
    assert render("{{ $.event.v | date('%d.%m.%Y %H:%M', 'Europe/Moscow') }}", 1700000000) == "15.11.2023 01:13"
    assert render("{{ $.event.v | date(zone='Europe/Moscow') }}", "24.11.2026 09:30") == "2026-11-24T09:30:00+03:00"


@pytest.mark.parametrize("value", ["", "завтра", "32.01.2026", "2026-13-01"])
def test_what_is_no_date_fails(value: str) -> None:
    with pytest.raises(TemplateError, match="filter date"):
        render("{{ $.event.v | date }}", value)


def test_a_zone_that_does_not_exist_fails() -> None:
    with pytest.raises(TemplateError, match="filter date"):
        render("{{ $.event.v | date(zone='Europe/Mosgow') }}", "2026-11-24")


@given(TEXT)
def test_base64_comes_back_as_it_was(text: str) -> None:
    assert render("{{ $.event.v | base64 | base64_decode }}", text) == text
    assert render("{{ $.event.v | base64(urlsafe=true) | replace('=', '') | base64_decode }}", text) == text


@given(TEXT)
def test_hashes_and_codes_are_the_standard_librarys(text: str) -> None:
    assert render("{{ $.event.v | hash }}", text) == hashlib.sha256(text.encode()).hexdigest()
    assert render("{{ $.event.v | hash('md5') }}", text) == hashlib.md5(text.encode()).hexdigest()
    expected = standard.new(b"s3cret", text.encode(), "sha512").hexdigest()
    assert render("{{ $.event.v | hmac(secret.KEY, 'sha512') }}", text) == expected


def test_a_code_may_be_written_in_base64() -> None:
    assert render("{{ 'data' | hmac(secret.KEY, encoding='base64') }}").endswith("=")


def test_a_failing_code_names_the_filter_and_not_the_key() -> None:
    with pytest.raises(TemplateError, match="filter hmac") as caught:
        render("{{ 'data' | hmac(secret.KEY, 'sha257') }}")
    assert "s3cret" not in str(caught.value)


def test_a_slug_is_in_latin_letters() -> None:
    assert render("{{ $.event.v | slug }}", "Анна Ли, 2-й поток!") == "anna-li-2-i-potok"
    assert render("{{ $.event.v | slug('_') }}", "Анна Ли") == "anna_li"
