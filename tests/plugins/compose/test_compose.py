from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from jackfield import PermanentFailure, Skip
from jackfield.testing import ActionContract, run_action
from jackfield_compose.filter import Filter, FilterOptions
from jackfield_compose.form import ComposeForm, ComposeFormOptions
from jackfield_compose.json import ComposeJson
from jackfield_compose.set import Set
from jackfield_compose.text import ComposeText

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class TestComposeJson(ActionContract):
    action = ComposeJson
    options = {"value": {"email": "anna@example.ru"}}


class TestComposeForm(ActionContract):
    action = ComposeForm
    options = {"fields": {"email": "anna@example.ru"}}


class TestComposeText(ActionContract):
    action = ComposeText
    options = {"text": "Анна"}


class TestFilter(ActionContract):
    action = Filter
    options = {"keep_when": True}


class TestSet(ActionContract):
    action = Set
    options = {"values": {"a": 1}}


def form(fields: Any, **options: Any) -> list[tuple[str, str]]:
    encoding = options.get("charset", "utf-8")
    text = run_action(ComposeForm, {"fields": fields, **options})
    assert isinstance(text, str)
    return parse_qsl(text, keep_blank_values=True, encoding=encoding, errors="strict")


@settings(max_examples=50)
@given(VALUES)
def test_json_as_text_reads_back_as_the_value(value: JsonValue) -> None:
    text = run_action(ComposeJson, {"value": value, "as": "text"})
    assert isinstance(text, str)
    assert json.loads(text) == value
    assert run_action(ComposeJson, {"value": value}) == value


def test_empty_values_are_left_out_at_every_depth_and_their_tables_stay() -> None:
    value: JsonValue = {"a": "", "b": None, "c": 0, "d": False, "e": ["", {"f": None}], "g": {}}
    assert run_action(ComposeJson, {"value": value, "omit_empty": True}) == {"c": 0, "d": False, "e": [{}], "g": {}}


@settings(max_examples=50)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_a_strict_parser_reads_the_pairs_of_a_form_as_they_were(pairs: list[tuple[str, str]]) -> None:
    assert form([list(pair) for pair in pairs]) == pairs


@pytest.mark.parametrize(
    ("lists", "names"), [("repeat", ["a", "a"]), ("brackets", ["a[]", "a[]"]), ("indexes", ["a[0]", "a[1]"])]
)
def test_lists_are_written_as_the_option_says(lists: str, names: list[str]) -> None:
    assert form({"a": [1, True]}, lists=lists) == list(zip(names, ["1", "true"], strict=True))


def test_tables_become_brackets_and_lists_of_tables_are_numbered() -> None:
    fields: JsonValue = {"leads": {"add": [{"id": 42}, {"id": 43}]}, "none": None, "empty": []}
    assert form(fields) == [("leads[add][0][id]", "42"), ("leads[add][1][id]", "43"), ("none", "")]


def unflattened(pairs: list[tuple[str, str]]) -> JsonValue:
    """Put a form with numbered lists together again, as PHP would."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = name.replace("]", "").split("[")
        place, keys = tree, [first, *rest]
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return tree


KEY = st.text("абвabc", min_size=1, max_size=3)
NESTED = st.dictionaries(
    KEY, st.recursive(TEXT, lambda inner: st.dictionaries(KEY, inner, min_size=1, max_size=3), max_leaves=6)
)


@settings(max_examples=50)
@given(NESTED)
def test_tables_in_tables_can_be_put_together_again(fields: dict[str, JsonValue]) -> None:
    assert unflattened(form(fields)) == fields


@given(st.lists(TEXT, max_size=4))
def test_a_numbered_list_keeps_its_order(items: list[str]) -> None:
    assert form({"a": items}, lists="indexes") == [(f"a[{index}]", item) for index, item in enumerate(items)]


def test_a_space_is_never_a_plus() -> None:
    assert run_action(ComposeForm, {"fields": {"a b": "+7 9"}}) == "a%20b=%2B7%209"


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(PermanentFailure, match="nan or inf"):
        run_action(ComposeJson, {"value": [float("nan")], "as": "text"})


def test_empty_fields_can_be_left_out() -> None:
    assert form({"a": "", "b": {"c": None, "d": "x"}, "e": ["", "y"]}, omit_empty=True) == [("b[d]", "x"), ("e", "y")]


def test_a_form_may_be_in_windows_1251() -> None:
    assert run_action(ComposeForm, {"fields": {"name": "Яна"}, "charset": "windows-1251"}) == "name=%DF%ED%E0"


def test_what_the_charset_does_not_have_is_named() -> None:
    with pytest.raises(PermanentFailure, match=r"characters that windows-1251 does not have"):
        run_action(ComposeForm, {"fields": {"name": "漢"}, "charset": "windows-1251"})


@pytest.mark.parametrize("charset", ["utf-17", "utf-16", "idna"])
def test_a_charset_that_cannot_carry_a_form_is_refused(charset: str) -> None:
    with pytest.raises(ValidationError, match=r"charset"):
        ComposeFormOptions.model_validate({"fields": {}, "charset": charset})


def test_text_and_values_are_the_result() -> None:
    assert run_action(ComposeText, {"text": "Анна Петрова"}) == "Анна Петрова"
    assert run_action(ComposeText, {"text": 42}) == "42"
    assert run_action(Set, {"values": {"a": 1, "b": [None]}}) == {"a": 1, "b": [None]}


def test_an_event_that_is_kept_goes_on() -> None:
    assert run_action(Filter, {"keep_when": True}) is True


def test_an_event_that_is_not_kept_is_skipped_with_the_reason() -> None:
    with pytest.raises(Skip, match=r"^no phone$"):
        run_action(Filter, {"keep_when": False, "reason": "no phone"})


@pytest.mark.parametrize("value", ["false", "no", "", 0, 1, None, []])
def test_what_is_neither_true_nor_false_is_no_condition(value: object) -> None:
    with pytest.raises(ValidationError, match="must come to true or false"):
        FilterOptions.model_validate({"keep_when": value})
