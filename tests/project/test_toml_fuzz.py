"""Whatever layout a TOML text has, a change in it is made, or refused with a sentence; nothing else in it changes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jackfield.pipelines.editing.drafts import Draft
from jackfield.problems import KeyPath
from jackfield.project.toml_blocks import TomlBlocks
from jackfield.project.toml_edit import CannotEdit, drop, put, rename, value_at

NAMES = st.sampled_from(["a", "b", "steps", '"a b"', "'c.d'", "a.b", "steps.a", "source", '"é"', "1"])
SIMPLE = st.sampled_from(
    [
        "1",
        "true",
        '"x"',
        "'y'",
        '"""\nm\n[[steps]]\n"""',
        "'''\n# no comment'''",
        "2026-01-01",
        "1.5",
        "inf",
        '"\\u2028"',
    ]
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "".join(f"  {item}, # why\n" for item in items) + "]"),
        st.dictionaries(st.sampled_from(["a", "b", '"c d"', "a.b"]), inner, max_size=2).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=4,
)
LINES = st.one_of(
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("[{}]".format, NAMES),
    st.builds("[[{}]]".format, NAMES),
    st.builds("  [[ {} ]] # {}".format, NAMES, st.sampled_from(["x", "\u2028 y", "\x85"])),
    st.sampled_from(["", "# a comment", "   ", "\t# another"]),
)
TEXTS = st.builds(
    "{}{}".format, st.lists(LINES, max_size=9).map("\n".join), st.sampled_from(["", "\n", "\n\n", "\n# end"])
)
NEW = st.sampled_from([1, "x", True, "two\nlines", [1, 2], {"k": "v"}, [{"k": 1}], {}, [], {"k": {"l": [1]}}])


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(condition=False)
        raise


def changed(data: dict[str, Any], path: KeyPath, value: Any = None, *, gone: bool = False) -> dict[str, Any]:
    copy = deepcopy(data)
    parent = value_at(copy, path[:-1])
    if gone:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return copy


FUZZ = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], max_examples=80)


@FUZZ
@given(TEXTS, NEW, st.data())
def test_a_value_is_changed_and_nothing_else_or_that_is_refused(text: str, new: Any, choose: st.DataObject) -> None:
    data = read(text)
    assume(data)
    path = choose.draw(st.sampled_from(list(paths(data))))
    try:
        after = put(text, path, new)
    except CannotEdit:
        return
    assert repr(tomllib.loads(after)) == repr(changed(data, path, new)) or tomllib.loads(after) == changed(
        data, path, new
    )


@FUZZ
@given(TEXTS, NEW, st.sampled_from(["new", "a", "x y"]), st.data())
def test_a_key_is_added_and_nothing_else_or_that_is_refused(
    text: str, new: Any, name: str, choose: st.DataObject
) -> None:
    data = read(text)
    tables = [(), *(path for path in paths(data) if isinstance(value_at(data, path), dict))]
    path = (*choose.draw(st.sampled_from(tables)), name)
    try:
        after = put(text, path, new, ("a", "new"))
    except CannotEdit:
        return
    assert tomllib.loads(after) == changed(data, path, new)


@FUZZ
@given(TEXTS, st.data())
def test_a_key_is_dropped_and_nothing_else_or_that_is_refused(text: str, choose: st.DataObject) -> None:
    data = read(text)
    assume(data)
    path = choose.draw(st.sampled_from(list(paths(data))))
    try:
        after = drop(text, path)
    except CannotEdit:
        return
    expected = changed(data, path, gone=True)
    last = value_at(expected, path[:-1]) == []  # a list of tables goes with its last one
    assert tomllib.loads(after) in (expected, changed(data, path[:-1], gone=True) if last else expected)


@FUZZ
@given(TEXTS, st.sampled_from(["new", "a", "x y"]), st.data())
def test_a_key_is_renamed_and_nothing_else_or_that_is_refused(text: str, name: str, choose: st.DataObject) -> None:
    data = read(text)
    keys = [path for path in paths(data) if isinstance(path[-1], str)]
    assume(keys)
    path = choose.draw(st.sampled_from(keys))
    try:
        after = tomllib.loads(rename(text, path, name))
    except CannotEdit:
        return
    gone = changed(data, path, gone=True)
    assert after == changed(gone, (*path[:-1], name), value_at(data, path))


@FUZZ
@given(TEXTS)
def test_the_steps_of_any_text_are_moved_copied_and_taken_out_or_that_is_refused(text: str) -> None:
    data = read(text)
    with suppress(CannotEdit):
        assert TomlBlocks.of(text, "steps").text == text
    draft, steps = Draft("x", text), data.get("steps", [])
    for index in range(len(draft.steps())):
        with suppress(CannotEdit):
            assert tomllib.loads(draft.without_step(index).text).get("steps", []) == [
                *steps[:index],
                *steps[index + 1 :],
            ]
        with suppress(CannotEdit):
            assert len(tomllib.loads(draft.with_copy(index).text)["steps"]) == len(steps) + 1
        with suppress(CannotEdit):
            assert sorted(map(repr, tomllib.loads(draft.moved(index, 1).text)["steps"])) == sorted(map(repr, steps))
