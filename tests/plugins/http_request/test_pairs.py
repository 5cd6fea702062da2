from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_http_request.pairs import percent_encode, read_pairs

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(_TEXT, _TEXT)))
def test_pairs_come_back_from_a_query_as_they_were(pairs: list[tuple[str, str]]) -> None:
    encoded = percent_encode(tuple(pairs))
    assert parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(pairs), errors="strict") == pairs
    assert encoded.isascii()


@given(st.dictionaries(_TEXT, st.lists(_TEXT, max_size=4)))
def test_a_list_repeats_its_name_in_order(table: dict[str, list[str]]) -> None:
    assert read_pairs(table) == tuple((name, item) for name, items in table.items() for item in items)


@given(st.lists(st.tuples(_TEXT, _TEXT)))
def test_a_list_of_pairs_stays_as_it_is(pairs: list[tuple[str, str]]) -> None:
    assert read_pairs([list(pair) for pair in pairs]) == tuple(pairs)


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from("xyz"), st.integers())))
def test_a_table_inside_puts_its_keys_in_brackets(table: dict[str, dict[str, int]]) -> None:
    expected = {f"{outer}[{inner}]": str(value) for outer, table in table.items() for inner, value in table.items()}
    assert dict(read_pairs(table)) == expected


def test_a_list_of_tables_is_numbered() -> None:
    phones = {"fields": {"PHONE": [{"VALUE": "+7", "TYPE": "WORK"}, {"VALUE": "8"}]}}
    assert read_pairs(phones) == (
        ("fields[PHONE][0][VALUE]", "+7"),
        ("fields[PHONE][0][TYPE]", "WORK"),
        ("fields[PHONE][1][VALUE]", "8"),
    )


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (None, ""), (0, "0"), (1.5, "1.5"), (10**20, "1" + "0" * 20)]
)
def test_a_value_that_is_no_text_is_written_as_json_has_it(value: object, text: str) -> None:
    assert read_pairs({"a": value}) == (("a", text),)


def test_an_empty_list_leaves_its_name_out() -> None:
    assert read_pairs({"a": [], "b": {}, "c": ""}) == (("c", ""),)


def test_a_space_is_never_a_plus_and_a_plus_is_never_a_space() -> None:
    assert percent_encode((("a b", "+7 9/й"),)) == "a%20b=%2B7%209%2F%D0%B9"


@pytest.mark.parametrize("value", ["a=b", 1, None, [["a"]], [["a", "b", "c"]], {"a": float("nan")}, {"a": object()}])
def test_what_is_neither_a_table_nor_pairs_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"write a table|must be text"):
        read_pairs(value)
