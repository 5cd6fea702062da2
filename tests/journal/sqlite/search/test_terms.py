"""What is looked for is found in the text, and the index names every text that has it."""

import sqlite3
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.journal.sqlite.file.encoding import dump
from jackfield.journal.sqlite.search.terms import Terms, fold, indexed_text, text_of

texts = st.text(st.sampled_from("абвёЁежАБ ab17890+-().\n\tйи\u0306ß"), max_size=40)
queries = st.text(st.sampled_from("абвёе аб ab178+-(). "), max_size=14)
phones = st.text(st.sampled_from("0123456789"), min_size=10, max_size=10)
ways = st.sampled_from(
    [
        "+7 ({0}) {1}-{2}-{3}",
        "8 {0} {1} {2} {3}",
        "7{0}{1}{2}{3}",
        "8{0}{1}{2}{3}",
        "+7-{0}-{1}-{2}{3}",
        "8({0}){1}{2}{3}",
    ]
)


def index_names(text: str, expression: str) -> bool:
    connection = sqlite3.connect(":memory:")
    table = "USING fts5 (body, content = '', columnsize = 0, detail = none, tokenize = 'trigram')"
    connection.execute(f"CREATE VIRTUAL TABLE texts {table}")
    connection.execute("INSERT INTO texts (rowid, body) VALUES (1, ?)", (indexed_text(text),))
    found = connection.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (expression,)).fetchall()
    connection.close()
    return bool(found)


@given(texts, queries)
def test_the_index_names_every_text_that_has_what_is_looked_for(text: str, query: str) -> None:
    found, terms = text_of("id", None, dump({"k": text})), Terms.parse(query)
    expression = terms.expression()
    if expression is not None and terms.are_in(found):
        assert index_names(found, expression)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4), st.randoms())
def test_words_are_found_in_any_order(words: list[str], dice: object) -> None:
    text = text_of("id", None, dump({"k": " ".join(words)}))
    turned = sorted(words, key=lambda _: dice.random())  # type: ignore[attr-defined]
    query = " ".join(" ".join(turned).split())
    terms = Terms.parse(query)
    assert terms.are_in(text)
    if (expression := terms.expression()) is not None:
        assert index_names(text, expression)


@given(phones, ways, ways)
def test_a_phone_number_is_found_however_it_is_written(digits: str, written: str, typed: str) -> None:
    parts = (digits[:3], digits[3:6], digits[6:8], digits[8:])
    text = text_of("id", None, dump({"phone": written.format(*parts)}))
    terms = Terms.parse(typed.format(*parts))
    assert terms.are_in(text)
    expression = terms.expression()
    assert expression is not None
    assert index_names(text, expression)


def test_a_short_word_is_looked_for_in_the_event_and_the_label_but_not_in_the_id_of_the_run() -> None:
    id = "01a20ffe-cf47-72d9-a441-17bcaed9aaaa"
    query = Terms.parse("студент 17")
    assert not query.are_in(text_of(id, "Студент 8", dump({"name": "Студент"})))
    assert query.are_in(text_of(id, "Студент 17", dump({})))
    assert Terms.parse(id).are_in(text_of(id, None, dump({})))


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text.encode("utf-8", "replace").decode())) == fold(text)


@given(st.text(max_size=300))
def test_any_query_can_be_asked(query: str) -> None:
    expression = Terms.parse(query).expression()
    if expression is not None:
        index_names("text", expression)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("иванов анна", "Анна Иванова", True),
        ("Йод", "и\u0306од", True),
        ("17 ст", "Студент 17", True),
        ("17 ст", "Студент 117", False),
        ("7 905 111", "+7 (905) 111-22-33", True),
        ("2026-11-24", "24.11.2026", False),
        ("2026-11-24", "2026-11-24T12:00", True),
        ("7900123", "1900123", False),
        ("0012345", "12345", False),
        ("ＡＢＣ", "abc", True),
    ],
)
def test_what_is_alike(query: str, text: str, *, found: bool) -> None:
    assert Terms.parse(query).are_in(text_of("id", None, dump({"k": text}))) is found


def test_digits_across_the_hyphens_of_an_id_are_no_number() -> None:
    text = text_of("01a20ff6-f4fb-7718-8820-baadb02cf46d", None, '{"phone": "+7 905 111 22 33"}')
    assert not Terms.parse("+7 905 888").are_in(text)
    assert Terms.parse("7718-8820").are_in(text)
    assert Terms.parse("79051112233").are_in(text)
