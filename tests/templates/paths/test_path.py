from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_ng.ext.parser import parse

from jackfield.errors import TemplateError
from jackfield.templates.paths.path import Document, read_path

EVENT: Document = {
    "event": {
        "email": "anna@example.ru",
        "first_name": "Анна",
        "ФИО": "Анна Б.",
        "VK-ID": "vk1",
        "a b": "spaced",
        "it's": "quoted",
        "7": "seven",
        "null": "named null",
        "none": None,
        "user": {"id": 5},
        "items": [
            {"name": "one", "n": 1, "имя": "раз"},
            {"name": "two", "n": 5, "имя": "два"},
        ],
    }
}

names = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
keys = st.lists(names | st.integers(0, 3), min_size=1, max_size=5)


def find(path: str, document: Document = EVENT) -> Any:
    return read_path(path)[0].find(document)


def explain(path: str, document: Document = EVENT) -> str:
    return read_path(path)[0].explain(document)


def quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


def bracketed(path: list[str | int]) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f"['{quoted(key)}']" for key in path)


def placed(value: Any, path: list[str | int]) -> Any:
    for key in reversed(path):
        value = [None] * key + [value] if isinstance(key, int) else {key: value}
    return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.event.email", "anna@example.ru"),
        ("$['event']['a b']", "spaced"),
        ('$["event"]["a b"]', "spaced"),
        ("$.event.'a b'", "spaced"),
        ("$.event[ 'a b' ]", "spaced"),
        (r"$.event['it\'s']", "quoted"),
        ('$.event["it\'s"]', "quoted"),
        ("$.event.ФИО", "Анна Б."),
        ("$.event.VK-ID", "vk1"),
        ("$.event.7", "seven"),
        ("$.event.null", "named null"),
        ("$.event.none", None),
        ("$.event.user.id", 5),
        ("$.event.items[0].name", "one"),
        ("$.event.items[-1].name", "two"),
        ("$.event.items.[1].name", "two"),
    ],
)
def test_a_singular_path_gives_the_value(path: str, value: object) -> None:
    compiled, _ = read_path(path)
    assert compiled.singular
    assert compiled.find(EVENT) == value


def test_the_root_alone_is_the_whole_document() -> None:
    assert find("$") == EVENT


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.event.items[*].name", ["one", "two"]),
        ("$.event.items[?(@.n > 3)].name", ["two"]),
        ("$.event.items[?(@.имя == 'два')].name", ["two"]),
        ("$.event.items[?(@['имя'] == 'два')].имя", ["два"]),
        ("$.event.items[?(@.name == 'a].имя')].name", []),
        ("$.event.items[?(@.n > 0.5)].n", [1, 5]),
        ("$.event.items[0:1].name", ["one"]),
        ("$.event.items[0,1].n", [1, 5]),
        ("$..id", [5]),
        ("$..имя", ["раз", "два"]),
        ("$..['n']", [1, 5]),
        ("$.event.user.*", [5]),
        ("$.event['VK-ID','7']", ["vk1", "seven"]),
        ("$.event.items.`len`", [2]),
        ("$.event.nothing[*]", []),
    ],
)
def test_any_other_path_gives_a_list(path: str, values: list[object]) -> None:
    compiled, end = read_path(path)
    assert end == len(path)
    assert not compiled.singular
    assert compiled.find(EVENT) == values


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$.event.email | upper", "$.event.email"),
        ("$.event.email|upper", "$.event.email"),
        ("$.event.email}}", "$.event.email"),
        ("$.event.email -}}", "$.event.email"),
        ("$.event.email-}}", "$.event.email"),
        ("$.event.n - 1", "$.event.n"),
        ("$.event.VK-ID-2 ", "$.event.VK-ID-2"),
        ("$.event.n*2", "$.event.n"),
        ("$.event.* | list", "$.event.*"),
        ("$..id, 5)", "$..id"),
        ("$.event.items[?(@.n > 3)].name | first", "$.event.items[?(@.n > 3)].name"),
        ("$.event['a]}}'].b)", "$.event['a]}}'].b"),
        ("$.event[0] [1]", "$.event[0]"),
        ("$.event.имя}}", "$.event.имя"),
        ("$ }}", "$"),
    ],
)
def test_a_path_ends_where_jsonpath_ends(text: str, path: str) -> None:
    compiled, end = read_path(f"..{text}", 2)
    assert compiled.text == path
    assert end == 2 + len(path)


def test_keys_are_what_a_path_begins_with() -> None:
    assert read_path("$.steps.add.body[0]")[0].keys == ("steps", "add", "body", 0)
    assert read_path("$.steps.add[*].id")[0].keys == ("steps", "add")
    assert read_path("$..id")[0].keys == ()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.event.", "$.event. lacks a name after its last dot; write a name with special characters as ['...']"),
        ("$...id", "$.. lacks a name"),
        ("$.event['a", "$.event[ has a bracket that is never closed; add the missing ]"),
        ("$.event[i]", "$.event[i] is ambiguous; write $.event['i'] for the key, ($.event)[i] for a variable"),
        ("$.event[?]", "$.event[?] is not a JSONPath"),
        ("$.event.`nonsense`", "$.event.`nonsense` is not a JSONPath"),
        ("$.event.`sub(`", "$.event.`sub(` is not a JSONPath"),
    ],
)
def test_what_is_not_a_path_is_refused_with_a_remedy(path: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read_path(path)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.evnt", "did you mean $.event? the document has: event"),
        ("$.event.user.ID", "did you mean $.event.user.id? event.user has: id"),
        ("$.event.user['a-']", "event.user has: id"),
        ("$.event.user[0]", "event.user has: id"),
        ("$.event.user.id.x", "event.user.id is a number and has nothing inside"),
        ("$.event.email.x", "event.email is a text and has nothing inside"),
        ("$.event.email[0]", "event.email is a text and has nothing inside"),
        ("$.event.none.x", "event.none is null and has nothing inside"),
        ("$.event.items[2]", "event.items is a list of 2"),
        ("$.event.items.name", "event.items is a list of 2: take one element with [0] or all of them with [*]"),
        ("$.event.items[0].nam", "did you mean $.event.items[0].name? event.items[0] has: name, n, имя"),
    ],
)
def test_a_path_that_selects_nothing_says_what_there_is(path: str, message: str) -> None:
    with pytest.raises(LookupError):
        find(path)
    assert explain(path) == f"{path} selects nothing; {message}"


def test_an_empty_object_is_called_empty() -> None:
    assert explain("$.event.a", {"event": {}}) == "$.event.a selects nothing; event is empty"


def test_a_suggestion_that_is_no_plain_name_is_written_in_brackets() -> None:
    assert "did you mean $['first name']?" in explain("$.firstname", {"first name": 1})


def test_only_some_keys_are_listed_and_hostile_ones_are_cut_and_escaped() -> None:
    document: Document = {"\x1b[31m\u202e": 1, "long" * 1000: 2} | {f"k{n}": n for n in range(100)}
    message = explain("$.absent", document)
    assert r"has: '\x1b[31m\u202e', 'longlong" in message
    assert message.endswith("k17 and 82 more")
    assert len(message) < 400


@given(keys, json_values)
def test_any_value_is_found_at_any_path(path: list[str | int], value: Any) -> None:
    assert find(bracketed(path), placed(value, path)) == value


@given(keys, json_values)
def test_look_ups_select_what_jsonpath_ng_selects(path: list[str | int], document: Any) -> None:
    expected = [match.value for match in parse(bracketed(path)).find(document)]
    try:
        assert [find(bracketed(path), document)] == expected
    except LookupError:
        assert expected == []


@given(st.dictionaries(names, st.integers(10**12, 10**13), max_size=5))
def test_an_explanation_names_no_value(document: dict[str, Any]) -> None:
    document.pop("absent", None)
    message = explain("$.absent", document)
    assert not [value for value in document.values() if str(value) in message and str(value) not in document]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of syntax that jsonpath-ng will drop
@given(st.text("$.[]()*'\"`?@:,-/\\<>=&|!~ab0я \n"))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path, end = read_path("$" + text)
    except TemplateError:
        return
    assert ("$" + text)[:end] == path.text


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("$.event.user.id", [("event", "user", "id")]),
        ("$.event.user.nobody", []),
        ("$.event.items[*].имя", [("event", "items", 0, "имя"), ("event", "items", 1, "имя")]),
        ("$.event.items[?(@.n > 1)].name", [("event", "items", 1, "name")]),
        ("$.event.items[0:1]", [("event", "items", 0)]),
        ("$.event..id", [("event", "user", "id")]),
        ("$.event.user.*", [("event", "user", "id")]),
        ("$.event.items.`len`", []),
    ],
)
def test_a_path_says_where_in_the_document_it_leads(path: str, places: list[tuple[str | int, ...]]) -> None:
    assert read_path(path)[0].places(EVENT) == places
