"""Changes to a TOML text touch what they are about, and no other line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from jackfield.problems import KeyPath
from jackfield.project.toml_blocks import TomlBlocks
from jackfield.project.toml_edit import CannotEdit, drop, put, rename
from jackfield.project.toml_text import toml_entry

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("examples/destinations/*.toml"), *ROOT.glob("examples/my-school/pipelines/*.toml")])
]
TEXT = """\
# A comment at the top.
title = "x"

[source]
use = "call"   # where from

# The first step.
[[steps]]
use = "a"
name = 'one'
headers = { X = "1", Y = "2" } # why

[steps.json]
a = 1

[[steps.json.students]]
b = 2

# The second step.
[[steps]]
use = "b"
text = \"\"\"
[[steps]]
\"\"\"
"""
ORDER = ("use", "name", "url", "headers", "form", "json", "retry")


def changes(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def texts_in(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(item, (*path, key))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("title",), "y", ['-title = "x"', '+title = "y"']),
        (("source", "use"), "other", ['-use = "call"   # where from', '+use = "other"   # where from']),
        (("steps", 0, "url"), "u", ['+url = "u"']),
        (("steps", 0, "json", "z"), True, ["+z = true"]),
        (("steps", 0, "retry", "attempts"), 4, ["+retry = { attempts = 4 }"]),
        (("steps", 1, "url"), "a\nb", ['+url = """', "+a", '+b"""']),
        (("concurrency",), 4, ["+concurrency = 4"]),
        (
            ("steps", 0, "headers", "Z"),
            "3",
            ['-headers = { X = "1", Y = "2" } # why', '+headers = { X = "1", Y = "2", Z = "3" } # why'],
        ),
    ],
)
def test_a_change_is_made_where_it_belongs_and_nowhere_else(path: KeyPath, value: Any, expected: list[str]) -> None:
    assert changes(TEXT, put(TEXT, path, value, ORDER)) == expected


def test_a_new_key_goes_behind_those_that_come_before_it() -> None:
    lines = put(TEXT, ("steps", 0, "url"), "u", ORDER).splitlines()
    assert lines.index('url = "u"') == lines.index("name = 'one'") + 1


def test_a_table_that_is_too_long_for_a_line_gets_a_header_of_its_own_in_its_step() -> None:
    table: dict[str, JsonValue] = {f"key_{number}": "a long value of this key" for number in range(5)}
    after = put(TEXT, ("steps", 0, "form"), table, ORDER)
    assert changes(TEXT, after) == ["+[steps.form]", *(f"+{toml_entry(*item).strip()}" for item in table.items()), "+"]
    assert after.index("[steps.form]") < after.index("# The second step.")


def test_a_table_in_a_line_that_grows_too_long_gets_a_header_as_well() -> None:
    text = TEXT
    for number in range(4):
        text = put(text, ("steps", 1, "form", f"key_{number}"), "a long value of this key", ORDER)
    assert "[steps.form]\nkey_0 = " in text
    assert tomllib.loads(text)["steps"][1]["form"]["key_3"] == "a long value of this key"


def test_a_list_on_several_lines_keeps_its_comments_and_stays_on_several_lines() -> None:
    text = 'list = [\n  "x", # one\n  # two\n  true,\n]\n'
    assert changes(text, put(text, ("list",), ["x", True, "z"])) == ['+  "z",']
    assert changes(text, put(text, ("list",), ["y", True])) == ['-  "x", # one', '+  "y", # one']
    assert tomllib.loads(put(text, ("list",), [])) == {"list": []}


def test_a_key_beside_a_date_and_in_a_list_of_tables_can_be_changed() -> None:
    assert put("a = { day = 1979-05-27 }\n", ("a", "b"), 1) == "a = { day = 1979-05-27, b = 1 }\n"
    assert drop("a = { day = 07:32:00, b = 1 }\n", ("a", "b")) == "a = { day = 07:32:00 }\n"
    assert tomllib.loads(drop(TEXT, ("steps", 0, "json", "students", 0)))["steps"][0]["json"] == {"a": 1}


def test_what_is_dropped_takes_its_lines_with_it_and_no_comment_of_what_follows() -> None:
    assert changes(TEXT, drop(TEXT, ("steps", 0, "name"))) == ["-name = 'one'"]
    gone = drop(TEXT, ("steps", 0, "json"))
    assert "# The second step.\n[[steps]]" in gone
    assert "json" not in gone
    assert "\n\n\n" not in gone


def test_a_key_is_renamed_in_its_place() -> None:
    assert changes(TEXT, rename(TEXT, ("steps", 0, "json", "a"), "ФИО")) == ["-a = 1", '+"ФИО" = 1']
    with pytest.raises(CannotEdit):
        rename(TEXT, ("steps", 0, "headers", "X"), "Y")


@pytest.mark.parametrize("text", EXAMPLES)
def test_changing_any_text_of_an_example_changes_the_lines_of_that_text_only(text: str) -> None:
    for path, value in texts_in(tomllib.loads(text)):
        after = put(text, path, f"{value.replace(chr(10), ' ')} changed")
        removed = [line for line in changes(text, after) if line.startswith("-")]
        added = [line for line in changes(text, after) if line.startswith("+")]
        assert len(removed) - value.count("\n") in {1, 2}, path
        assert len(added) == 1, path


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_was_put_in_and_taken_out_again_leaves_no_trace(text: str) -> None:
    for index, _ in enumerate(tomllib.loads(text)["steps"]):
        assert drop(put(text, ("steps", index, "timeout"), "5 s"), ("steps", index, "timeout")) == text


JSON = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.text(min_size=1, max_size=8))
def test_any_value_comes_back_as_it_was_put_in(value: Any, key: str) -> None:
    path: KeyPath
    for path in (("steps", 0, key), ("steps", 0, "json", key), ("steps", 0, "headers", key), (f"{key}-", "inside")):
        try:
            after = put(TEXT, path, value)
        except CannotEdit:  # it said no, and broke nothing
            continue
        found: Any = tomllib.loads(after)
        for part in path:
            found = found[part]
        assert found == value


def test_blocks_put_together_are_the_text() -> None:
    for text in (TEXT, *EXAMPLES, "", 'title = "x"'):
        assert TomlBlocks.of(text, "steps").text == text


def test_a_block_moves_with_the_comment_above_it() -> None:
    moved = TomlBlocks.of(TEXT, "steps").moved(0, 1).text
    assert moved.index("# The second step.") < moved.index('use = "b"') < moved.index("# The first step.")
    assert TomlBlocks.of(moved, "steps").moved(1, -1).text == TEXT
    assert TomlBlocks.of(TEXT, "steps").moved(1, 1).text == TEXT


def test_a_block_that_is_put_in_has_an_empty_line_before_it_and_leaves_no_trace_when_it_goes() -> None:
    for text in (TEXT, *EXAMPLES, TEXT.rstrip("\n")):
        longer = TomlBlocks.of(text, "steps").with_block(None, '[[steps]]\nuse = "n"\n').text
        assert longer.endswith('\n\n[[steps]]\nuse = "n"\n')
        last = len(tomllib.loads(longer)["steps"]) - 1
        assert TomlBlocks.of(longer, "steps").without(last).text.strip() == text.strip()


def test_a_source_between_the_steps_stays_when_a_step_goes() -> None:
    text = '[[steps]]\nuse = "a"\n\n[source]\nuse = "s"\n\n[[steps]]\nuse = "b"\n'
    assert TomlBlocks.of(text, "steps").without(0).text == '[source]\nuse = "s"\n\n[[steps]]\nuse = "b"\n'


def test_steps_in_one_value_are_not_taken_apart() -> None:
    with pytest.raises(CannotEdit):
        TomlBlocks.of('steps = [{ use = "a" }]\n', "steps")


@pytest.mark.parametrize("path", [(), ("steps", 9, "text"), ("steps", "x"), ("source", 0), ("a",) * 1000])
def test_a_place_that_the_file_cannot_have_is_refused(path: KeyPath) -> None:
    with pytest.raises(CannotEdit):
        put(TEXT, path, "x")
