"""A path selects what jsonpath-ng selects, within a limit, and raises nothing but `TemplateError`."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonpath_ng.ext.parser import parse
from pydantic_core import from_json

from jackfield.errors import TemplateError
from jackfield.templates.limits.budget import MOST_STEPS, Budget
from jackfield.templates.paths.query import Query

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of syntax that jsonpath-ng will drop

names = st.sampled_from(["a", "b", "c"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "", "a", "b1", "a-b-a"])
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3), max_leaves=20
)
SEGMENTS = [
    ".a", ".b", ".*", "[*]", "..a", "..*", "[0]", "[-1]", "[0,1]", "['a','b']", "[0:2]", "[::-1]", "[1:]",
    ".`len`", ".`keys`", ".`path`", ".`this`", ".`str()`", ".`sorted`", "[\\a]", "[/a,\\b]", ".`split(-, 0, -1)`",
    ".`split(-, *, 1)`", ".`sub(/a/, xx)`", ".`sub(/(a)-/, <\\\\1>)`", "[?(@.a)]", "[?(!@.a)]", "[?(@.a == 1)]",
    "[?(@.a != null)]", "[?(@.a > 0 & @.b < 2)]", "[?(@.a == 1 || @.b == 'a')]", "[?(@.a == @.b)]", "[?(@ =~ 'a|b')]",
    "[?(@.a == $.a)]", "[?(@ > 'a')]", "[?@.a <= true]", "..[?(@.a)]",
]  # fmt: skip
paths = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda parts: "$" + "".join(parts)) | (
    st.sampled_from(
        ["$.a + $.b", "$.a[*] * 2", "$..a - $..b", "$.a + 'x'", "$.* where a", "$.* wherenot a", "$.a | $.b"]
    )
)


def test_a_path_selects_what_jsonpath_ng_selects() -> None:
    @given(paths, documents)
    def selected(path: str, document: Any) -> None:
        assume("`path`" not in path or path.count("`") == 2)  # the path of what was calculated has no meaning
        try:
            expected = [match.value for match in parse(path).find(document)]
        except Exception:  # noqa: BLE001 - it raises whatever Python raises
            expected = None
        try:
            found = Query(path).find(document)
        except TemplateError:
            found = None
        assert expected is None or repr(found) == repr(expected)

    selected()


@given(st.text("$.[]()*'\"`?@:,-/\\<>=&|!~ab0я \nsublenkeyspitr{}+^"), documents)
def test_any_path_on_any_document_gives_a_list_or_a_template_error(path: str, document: Any) -> None:
    with suppress(TemplateError):
        assert isinstance(Query("$" + path).find(document), list)


@pytest.mark.parametrize(
    "path",
    ["$.event.`sub(/(/, a)`", "$.a.`sub(/(?=a)/, b)`", "$[?(@.a =~ '(')]", "$[?(@.a =~ '(a)\\\\1')]",
     "$.a.`sub(/[/, )`", "$.a & $.b", "$" + "[*]" * 600, "$" + "[*].a" * 10_000, "$" + "(" * 900],
)  # fmt: skip
def test_whatever_is_wrong_with_a_path_is_a_template_error(path: str) -> None:
    with pytest.raises(TemplateError):
        Query(path).find({"a": 1})


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("$..a..a..a..a", from_json('{"a":' * 150 + "1" + "}" * 150)),
        ("$..*..*..*", [[1] * 1000] * 100),
        ("$..[?(@ =~ '(x+x+)+y')]", ["x" * 100_000] * 10),
        ("$[?(@ =~ '(a|a)*(a|aa)*b')]", ["a" * 1_000_000]),
        ("$[?(@ =~ '(.{1,100}x){1,9}y$')]", ["xxyxxyxxaxxbxx" * 70_000]),
        ("$[*].`sub(/.*z|b/, c)`", ["b" * 100_000]),
        ("$[*].`sub(/./, cccccccccccccccccccccccccccccccccccccccc)`", ["b" * 1_000_000]),
        ("$[?(@[*] > $.a)]", [[1] * 1000] * 1000),
        ("$[\\a]", [{"a": number % 7} for number in range(200_000)]),
        ("$.text * $.count", {"text": "A", "count": 20_000_000_000}),
        ("$.count * $.text", {"text": [1], "count": 20_000_000_000}),
        ("$.count * $.count", {"count": 10**4000}),
    ],
)
def test_a_path_that_takes_too_long_is_ended(path: str, document: Any) -> None:
    query, budget = Query(path), Budget()
    began = time.thread_time()
    with pytest.raises(TemplateError, match=r"steps|characters|elements|digits"):
        query.find(document, budget)
    assert time.thread_time() - began < 2  # as generous as a busy machine needs; without a limit it is minutes


def test_an_event_of_a_megabyte_can_be_looked_through() -> None:
    document = {"items": [{"id": number, "name": "somebody", "price": 100} for number in range(20_000)]}
    budget = Budget()
    assert len(Query("$..price").find(document, budget)) == 20_000
    assert budget.left > MOST_STEPS / 4
    assert len(Query("$.items[?(@.id > 10)].name").find(document)) == 19_989
