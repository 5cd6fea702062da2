from datetime import timedelta
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from jackfield import Duration, OptionsModel
from jackfield.components.validation import valid_part, validation_problems
from jackfield.errors import TemplateError
from jackfield.pipelines.rendered_options import RenderedOptions
from jackfield.templates.engine import TemplateEngine


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(OptionsModel):
    a: int = 1


class Sample(OptionsModel):
    needed: str = ""
    text: str = Field(default="abc", min_length=1, max_length=3, pattern="^[a-z]*$")
    count: int = Field(default=1, ge=1, le=9)
    share: float = Field(default=0.5, gt=0, lt=1)
    flag: bool = False
    word: Literal["stop", "continue", "wait"] = "stop"
    colour: Colour = Colour.RED
    table: dict[str, str] = {}
    inner: Inner = Inner()
    names: list[str] = Field(default=["a"], min_length=1, max_length=2)
    pair: tuple[str, ...] = ()
    wait: Duration = Field(default=timedelta(1), gt=timedelta(0))
    when: Literal["now"] | None = None


class Strict(OptionsModel):
    use: str
    count: int = Field(default=1, ge=1)
    inner: Inner = Inner()


class Choice(OptionsModel):
    exclusive = (("json", "text", "file"),)
    at_least_one = (("json", "text"),)

    json_: int | None = Field(default=None, alias="json")
    text: str | None = None
    file: str | None = None
    size: int = 0


class Chooser(OptionsModel):
    choice: Choice | Strict | None = None
    more: list[Choice] = []


def complained(raw: dict[str, Any], model: type[OptionsModel] = Sample, **how: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(raw)
    found = validation_problems(refused.value, raw, model, **how)
    return [f"{problem.key[0] if problem.key else ''}: {problem.message}" for problem in found]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("text", 55, "must be text in quotes"),
        ("text", "", "must have 1 or more characters"),
        ("text", "abcd", "must have 3 characters at most"),
        ("text", "77", "must match the pattern ^[a-z]*$"),
        ("count", [77], "must be a whole number"),
        ("count", "77x", "must be a whole number"),
        ("count", 7.75, "must be a whole number"),
        ("count", "7" * 5000, "must be a whole number"),
        ("count", -77, "must be at least 1"),
        ("count", 77, "must be at most 9"),
        ("share", [77], "must be a number"),
        ("share", "77x", "must be a number"),
        ("share", -77, "must be more than 0.0"),
        ("share", 77, "must be less than 1.0"),
        ("flag", "77", "must be true or false"),
        ("flag", [77], "must be true or false"),
        ("word", "77", "must be one of 'stop', 'continue' or 'wait'"),
        ("colour", "77", "must be one of 'red' or 'blue'"),
        ("table", "77", 'must be a table, such as { name = "value" }'),
        ("inner", "77", 'must be a table, such as { name = "value" }'),
        ("names", "77", 'must be a list, such as ["a", "b"]'),
        ("names", [], "must have 1 or more entries"),
        ("names", ["77"] * 3, "must have 2 entries at most"),
        ("pair", "77", 'must be a list, such as ["a", "b"]'),
        ("wait", "0 s", "must be more than 0 seconds"),
    ],
)
def test_a_mistake_is_said_in_plain_words_without_the_value(option: str, value: object, message: str) -> None:
    [said] = complained({option: value})
    assert said == f"{option}: {message}"
    assert "77" not in said


def test_what_is_missing_or_unknown_is_named() -> None:
    assert complained({"cuont": 1}, Strict) == ["use: is required", 'cuont: is not known here; did you mean "count"?']


def test_a_misspelt_key_may_be_one_that_somebody_else_reads_in_the_same_table() -> None:
    assert complained({"dedup": 1}, beside=["dedupe"]) == ['dedup: is not known here; did you mean "dedupe"?']
    assert complained({"inner": {"dedup": 1}}, beside=["dedupe"]) == ["inner: is not known here; known: a"]


def test_an_error_about_a_template_is_put_off_and_others_are_not() -> None:
    raw = {"count": "{{ $.event.n }}", "names": "{{ $.event.n }}", "flag": 5, "typo": "{{ $.event.n }}"}
    assert complained(raw, put_off=True) == ["flag: must be true or false", "typo: is not known here"]


@given(
    st.dictionaries(st.sampled_from([*Sample.model_fields, "typo"]), st.integers() | st.text() | st.lists(st.text()))
)
def test_whatever_is_wrong_has_a_problem_and_the_rest_is_valid(raw: dict[str, Any]) -> None:
    valid = valid_part(Sample, raw)
    try:
        assert Sample.model_validate(raw) == valid
    except ValidationError as error:
        found = validation_problems(error, raw, Sample)
        assert found
        assert all("nput should" not in problem.message for problem in found)
        right = {key: value for key, value in raw.items() if key not in {problem.key[0] for problem in found}}
        assert Sample.model_validate(right) == valid


def test_the_valid_part_of_options_keeps_the_defaults_of_what_is_wrong() -> None:
    raw = {"count": 0, "inner": {"a": 5}, "typo": 1}
    assert valid_part(Strict, raw, use="none") == Strict(use="none", count=1, inner=Inner(a=5))
    assert valid_part(Strict, raw | {"use": "mine"}, use="none").use == "mine"


def test_what_a_template_comes_to_is_not_told_to_be_in_quotes() -> None:
    template = TemplateEngine({}).compile({"text": "{{ $.event.n }}"}, "steps[0]")
    options = RenderedOptions(Sample, template, ("steps", 0), None)
    assert options.render({"event": {"n": "abc"}}).text == "abc"
    with pytest.raises(TemplateError) as refused:
        options.render({"event": {"n": 5}})
    assert str(refused.value) == "steps[0].text: must come to text; add a filter such as string"


TEMPLATE = "{{ $.event.x }}"


def places(raw: dict[str, Any], model: type[OptionsModel], **how: Any) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(raw)
    return [(problem.key, problem.message) for problem in validation_problems(refused.value, raw, model, **how)]


@pytest.mark.parametrize("value", [TEMPLATE, "x", None, ""])
def test_of_exclusive_options_one_may_be_given_whatever_their_values_are(value: Any) -> None:
    said = "give either json or text, not both"
    assert places({"json": value, "text": value}, Choice, put_off=True)[0] == (("text",), said)
    assert Choice.model_validate({"text": value}).text == value
    three = {"file": "", "json": 1, "text": ""}
    said = "give only one of file, json and text"
    assert places(three, Choice) == [(("json",), said), (("text",), said)]


def test_of_options_of_which_one_is_needed_one_must_be_given() -> None:
    assert places({"file": TEMPLATE, "size": TEMPLATE}, Choice, put_off=True) == [((), "give json or text")]
    with pytest.raises(ValidationError, match="give json or text"):
        Choice()


def test_exclusive_options_are_found_at_any_depth_beside_every_other_mistake() -> None:
    both = {"json": TEMPLATE, "text": TEMPLATE}
    raw = {"choice": both | {"size": "x", "typo": 1}, "more": [{"json": 1}, both, {}], "typo": 1}
    assert places(raw, Chooser, put_off=True) == [
        (("choice", "text"), "give either json or text, not both"),
        (("choice", "size"), "must be a whole number"),
        (("choice", "typo"), "is not known here; known: file, json, size, text"),
        (("more", 1, "text"), "give either json or text, not both"),
        (("more", 2), "give json or text"),
        (("typo",), "is not known here; known: choice, more"),
    ]


def test_what_a_validator_says_of_the_rest_stays_as_it_was() -> None:
    class Plugins(OptionsModel):
        exclusive = (("a", "b"),)
        a: Duration | None = None
        b: str = ""
        c: str = Field(default="", pattern="^[{]x[}]$")

    raw = {"a": "5", "b": "", "c": "{what}"}
    assert places(raw, Plugins)[1:] == places({key: raw[key] for key in "ac"}, Plugins)


def test_a_group_of_options_that_are_not_there_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Wrong has a group with json_ in it, which is no option of it"):

        class Wrong(OptionsModel):
            exclusive = (("json_", "text"),)
            json_: int = Field(default=0, alias="json")
            text: str = ""
