import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_filters.latin import TooManyLettersError, slug, translit


@pytest.mark.parametrize(
    ("written", "latin"),
    [
        ("Юлия ЩУКИНА", "Iuliia SHCHUKINA"),
        ("Пётр Ильич-Съездовский, №2", "Petr Ilich-Sezdovskii, №2"),
        ("Andre\u0301 и́ Ко", "Andre i Ko"),
        ("Я", "Ia"),
        ("2-й поток 😀", "2-i potok 😀"),
        ("plain ASCII, 1_000", "plain ASCII, 1_000"),
        (12, "12"),
    ],
)
def test_words_are_written_in_latin_letters_and_the_rest_stays(written: object, latin: str) -> None:
    assert translit(written) == latin


def test_a_text_of_more_different_letters_than_any_alphabet_has_is_refused() -> None:
    letters = "".join(map(chr, range(0x4E00, 0x9FFF)))  # each takes a while: the event loop stood still for seconds
    with pytest.raises(TooManyLettersError):
        translit(letters)
    assert translit(letters[:900])


@pytest.mark.parametrize(
    ("written", "expected"),
    [("Щукин Пётр, №2", "shchukin-petr-no2"), ("AT&amp;T &#1078;", "at-amp-t-1078"), ("😀", ""), (2026, "2026")],
)
def test_a_slug_is_small_latin_letters_and_digits(written: object, expected: str) -> None:
    assert slug(written) == expected


def test_a_slug_has_the_separator_that_is_asked_for() -> None:
    assert slug("Анна Ли", "_") == "anna_li"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_letter_that_is_not_latin_is_left(text: str) -> None:
    assert not any("а" <= character.lower() <= "ё" for character in translit(text))
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
