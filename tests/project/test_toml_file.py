from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import ConfigurationError
from jackfield.problems import Problem, did_you_mean, dotted
from jackfield.project.toml_file import TomlFile

TEXT = """\
# source = "not this line"
title = "x"

[source]
use = "webhook"
options.deep = { a = 1 }

[[steps]]
use = "first"

[[steps]]
use = "second"
[steps.form]
email = "e"
"quoted name" = "q"
"with.dots" . 'and "quotes"' = "d"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("title",), 2),
        (("source",), 4),
        (("source", "use"), 5),
        (("source", "options", "deep", "a"), 6),
        (("source", "missing"), 4),
        (("steps", 0, "use"), 9),
        (("steps", 1), 11),
        (("steps", 1, "use"), 12),
        (("steps", 1, "form", "email"), 14),
        (("steps", 1, "form", "quoted name"), 15),
        (("steps", 1, "form", "with.dots", 'and "quotes"'), 16),
        (("steps", 1, "form", "missing"), 13),
        (("nowhere",), 0),
    ],
)
def test_a_key_is_found_at_its_line_or_at_that_of_its_table(key: tuple[str | int, ...], line: int) -> None:
    assert TomlFile.parse(TEXT, "x.toml").line(key) == line


def test_a_file_that_is_not_toml_is_a_problem_at_its_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        TomlFile.parse('a = 1\nb = "unfinished\n', "jackfield.toml")
    assert str(caught.value).startswith("jackfield.toml:2: is not valid TOML: ")


def test_a_file_that_ends_too_early_is_a_problem_at_its_last_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        TomlFile.parse("[server]\nport = [\n1,", "jackfield.toml")
    assert str(caught.value).startswith("jackfield.toml:3: is not valid TOML: ")


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes("\ufefftitle = 'я'\n".encode())
    file = TomlFile.read(path, "x.toml")
    assert (file.text, file.data, file.line(("title",))) == ("title = 'я'\n", {"title": "я"}, 1)
    path.write_bytes("\ufefftitle = 'я'\nb = '".encode() + b"\xff'")
    with pytest.raises(ConfigurationError, match=r"^x.toml:2: is not UTF-8 text; save it as UTF-8$"):
        TomlFile.read(path, "x.toml")


def test_a_key_path_is_written_as_people_do() -> None:
    assert dotted(("steps", 0, "headers", "X-Token")) == "steps[0].headers.X-Token"


def test_a_typo_gets_the_closest_word() -> None:
    assert did_you_mean("http_requst", ["http_request", "compose"]) == '; did you mean "http_request"?'


def test_a_word_like_none_gets_the_whole_list_if_that_is_short() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "; known: a, b"
    assert did_you_mean("zzz", [f"name_{number}" for number in range(50)]) == ""


PIECES = [*"a=[]{}.,'\"\n #1-é\\", "[[", "]]", '"""', "'''", "\r\n", "a = ", "\n[a]\n", "2026-01-01", "inf"]

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.dates() | st.times() | st.datetimes() | st.datetimes(timezones=ZONES))
def test_a_date_or_a_time_is_text_as_json_has_it(value: date | time | datetime) -> None:
    text = value.isoformat()
    data = TomlFile.parse(f"a = {text}\nb = [{{ c = [{text}] }}]\nd = 1.5", "x.toml").data
    assert data == {"a": text, "b": [{"c": [text]}], "d": 1.5}
    assert type(value).fromisoformat(data["a"]) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 300 + "]" * 300, "deep"),
        ("a = " + "[" * 9000 + "]" * 9000, "deep"),
        ("a = " + "9" * 5000, "digits"),
    ],
)
def test_what_nobody_writes_by_hand_is_a_mistake_like_any_other(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        TomlFile.parse(text, "x.toml")
    assert TomlFile.parse("a = " + "[" * 90 + "]" * 90, "x.toml").data


def test_the_lines_of_thousands_of_mistakes_are_found() -> None:
    file = TomlFile.parse("[[steps]]\na = 1\n" * 3000, "x.toml")
    assert [file.line(("steps", index, "a")) for index in range(3000)] == list(range(2, 6002, 2))


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 100_000) + " = 1",
        "[" + " . ".join(["'a'"] * 100_000) + "]\na = 1",
        "a = { " + ".".join("a" * 100_000) + " = 1 }",
        'a = """\n[' + " " * 100_000 + '\n"""',
        'a = """\n' + "[ a " * 30_000 + '\n"""',
    ],
)
def test_what_takes_ever_longer_to_read_is_read_or_refused_at_once(text: str) -> None:
    began = process_time()
    with suppress(ConfigurationError):
        TomlFile.parse(text, "x.toml").line(("nowhere",))
    assert process_time() - began < 2


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_whatever_a_file_holds_is_read_or_a_mistake_with_a_sentence(content: bytes) -> None:
    said: Sequence[Problem] = ()
    file = TomlFile("x.toml", "", {})
    try:
        file = TomlFile.of(content, "x.toml")
    except ConfigurationError as error:
        said = error.problems
    assert all(problem.file == "x.toml" and problem.message for problem in said)
    assert all(file.line((key,)) >= 0 for key in file.data)
