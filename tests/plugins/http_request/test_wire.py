"""What a strict server reads out of a request is what the options said, whatever kinds of values they have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jackfield import JsonObject
from tests.plugins.http_request.service import Service, passed
from tests.plugins.http_request.wire import received

Tree: TypeAlias = Any
"""Text, numbers and booleans, in tables and lists."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=1, max_size=8)
SCALARS: st.SearchStrategy[Tree] = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=10,
)
ALL_KINDS = {
    "n": 12345678901234567890123,
    "f": [1e-7, 0.1, -0.0, 1e300],
    "b": [True, False],
    "x": {"y": [{"z": []}]},
}


@settings(max_examples=60)
@given(TREES)
@example(ALL_KINDS)
def test_json_keeps_every_kind_of_value(value: Tree) -> None:
    read = json.loads(received(json=value).body.decode("utf-8", "strict"))
    assert read == value
    assert repr(read) == repr(value), "1 is not true, and 1.0 is not 1"


def leaf(text: str, value: Tree) -> Tree:
    """Read a text back as the kind that the value has."""
    if isinstance(value, bool):
        return {"true": True, "false": False}[text]
    return type(value)(text)


def compared(sent: Mapping[str, list[str]], name: str, value: Tree) -> set[str]:
    """Compare what came under a name with its value; return the full names that this took."""
    if isinstance(value, dict):
        return {full for key, item in value.items() for full in compared(sent, f"{name}[{key}]", item)}
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return {full for index, item in enumerate(value) for full in compared(sent, f"{name}[{index}]", item)}
    values = value if isinstance(value, list) else [value]
    if not values:
        return set()
    texts = sent[name]
    assert [leaf(text, item) for text, item in zip(texts, values, strict=True)] == values
    return {name}


def check(encoded: str, table: Mapping[str, Tree]) -> None:
    sent: dict[str, list[str]] = {}
    for name, text in parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded), errors="strict"):
        sent.setdefault(name, []).append(text)
    assert {full for name, value in table.items() for full in compared(sent, name, value)} == sent.keys()
    assert re.fullmatch(r"[A-Za-z0-9_.~%&=-]*", encoded)


@settings(max_examples=60)
@given(st.dictionaries(KEY, TREES, max_size=4))
@example(ALL_KINDS)
def test_a_form_and_a_query_keep_every_kind_of_value(table: dict[str, Tree]) -> None:
    arrived = received(form=table, query=table)
    check(arrived.body.decode("ascii"), table)
    check(arrived.target.partition("?")[2], table)


def test_dates_of_toml_go_from_the_file_to_the_destination(tmp_path: Path) -> None:
    values = (
        "d = 2026-11-24, at = 2026-11-24T12:00:00+03:00, z = 1979-05-27T07:32:00Z, t = 07:08:09, n = 10000000000000001"
    )
    view = passed(
        tmp_path, Service(echo=True), f"query = {{ {values} }}\njson = {{ {values}, event = '{{{{ $.event }}}}' }}"
    )
    assert view.summary.error is None
    echoed = cast(JsonObject, cast(JsonObject, view.attempts[0].result)["body"])
    expected = {
        "d": "2026-11-24",
        "at": datetime(2026, 11, 24, 9, tzinfo=UTC),
        "z": datetime(1979, 5, 27, 7, 32, tzinfo=UTC),
        "t": "07:08:09",
    }
    sent = json.loads(cast(str, echoed["body"]))
    assert sent.pop("event") == {}
    assert sent.pop("n") == 10000000000000001
    shown = dict(parse_qsl(cast(str, echoed["query"])))
    assert shown.pop("n") == "10000000000000001"
    for found in (sent, shown):
        assert {**found, **{name: datetime.fromisoformat(found[name]) for name in ("at", "z")}} == expected
