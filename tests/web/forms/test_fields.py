"""What an options model becomes in a form, whatever a plugin's author thought of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, JsonValue, PlainSerializer, SecretStr
from starlette.datastructures import FormData

from jackfield import Action, Duration, OptionsModel, Step, hookimpl
from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.editing.drafts import Draft
from jackfield.web.forms.fields import field_name, make_fields
from jackfield.web.forms.option_shapes import Option, Shape, read_options
from jackfield.web.forms.pipeline_form import Part, PipelineForm, pipeline_options, source_options, step_options
from jackfield.web.forms.secret_placeholders import SecretKeeper
from jackfield.web.forms.submission import scalar, take_over


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(OptionsModel):
    """What is inside."""

    name: str
    password: SecretStr | None = None


class Tree(OptionsModel):
    """A table that has itself in it."""

    below: Tree | None = None


class Everything(OptionsModel):
    text: str = ""
    number: int = 3
    share: float | None = None
    flag: bool = True
    maybe: bool | None = None
    colour: Colour = Colour.RED
    level: Literal[1, 2, 3] = 1
    one: Literal["only"] = "only"
    wait: Duration = timedelta(seconds=5)
    day: date | None = None
    price: Decimal | None = None
    names: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()
    pair: tuple[int, str] | None = None
    mapping: Mapping[str, str] = {}
    counts: dict[str, int] = {}
    anything: JsonValue = None
    whatever: Any = None
    inner: Inner | None = None
    several: list[Inner] = []
    either: Inner | Tree | Literal["none"] = "none"
    tree: Tree | None = None
    key: SecretStr | None = None
    keys: tuple[SecretStr, ...] = ()
    by_name: dict[str, Inner] = {}
    hidden: Annotated[SecretStr, PlainSerializer(lambda _: "", return_type=str)] = SecretStr("")
    with_dash: str = Field(default="", alias="with-dash")


def kinds(options: tuple[Option, ...]) -> dict[str, str]:
    return {option.name: " ".join(shape.kind for shape in option.shapes) for option in options}


def test_each_type_has_a_field_that_fits() -> None:
    assert kinds(read_options(Everything)) == {
        "text": "text",
        "number": "number",
        "share": "number",
        "flag": "switch",
        "maybe": "choice",
        "colour": "choice",
        "level": "choice",
        "one": "choice",
        "wait": "text",
        "day": "text",
        "price": "text",
        "names": "list",
        "numbers": "list",
        "pair": "json",
        "mapping": "rows",
        "counts": "rows",
        "anything": "rows json",
        "whatever": "rows json",
        "inner": "group",
        "several": "items",
        "either": "const group group",
        "tree": "group",
        "key": "secret",
        "keys": "secret",
        "by_name": "rows",
        "hidden": "secret",
        "with-dash": "text",
    }


def test_the_hosts_own_keys_have_words_in_both_languages() -> None:
    for option in (*pipeline_options(), *source_options(), *step_options()):
        assert isinstance(option.title, Mapping), option.name
        assert option.title.keys() == {"en", "ru"}
        assert isinstance(option.hint, Mapping), option.name


@pytest.mark.parametrize(
    ("scalars", "text", "value"),
    [
        ({"integer"}, "7", 7),
        ({"integer"}, " 7 ", 7),
        ({"integer"}, "{{ $.event.n }}", "{{ $.event.n }}"),
        ({"integer"}, "seven", "seven"),
        ({"number"}, "1.50", 1.5),
        ({"number"}, "1e999", float("inf")),
        ({"string", "integer"}, "404", 404),
        ({"string", "integer"}, "0042", "0042"),
        ({"string", "integer"}, "2 MB", "2 MB"),
        ({"string", "number"}, "1.50", "1.50"),
        ({"string", "number"}, "nan", "nan"),
        ({"string", "boolean"}, "true", True),
        ({"string"}, "true", "true"),
        ({"string"}, "7", "7"),
        ({"string", "integer"}, "9" * 5000, "9" * 5000),
    ],
)
def test_what_is_typed_is_what_it_says_where_the_option_takes_that(scalars: set[str], text: str, value: object) -> None:
    assert scalar(Shape("text", scalars=frozenset(scalars)), text) == value


def filled(table: Mapping[str, Any], changes: Mapping[str, str]) -> str:
    """Fill in the fields of a step that has `Everything`, and return what its table says afterwards."""
    text = '[[steps]]\nuse = "x"\n' + "".join(f"{key} = {value}\n" for key, value in table.items())
    draft = Draft("x", text)
    path = ("steps", 0)
    fields = make_fields(read_options(Everything), draft.steps()[0], path, {})
    form = PipelineForm((), (), Part(("source",), "", "", ""), (Part(path, "x", "x", "", fields=fields),))
    sent = FormData(
        [
            (field_name((*path, *(int(part) if part.isdecimal() else part for part in key.split(".")))), value)
            for key, value in changes.items()
        ]
    )
    return take_over(draft, form, sent, {}).draft.text.removeprefix('[[steps]]\nuse = "x"\n')


def cases() -> Iterator[tuple[dict[str, str], dict[str, str], str]]:
    yield {}, {"text": "a\r\nb"}, 'text = """\na\nb"""\n'
    yield {"number": "5"}, {"number": "3"}, ""
    yield {"number": "5"}, {"number": ""}, ""
    yield {}, {"number": "{{ 1 }}"}, 'number = "{{ 1 }}"\n'
    yield {}, {"flag": "false"}, "flag = false\n"
    yield {"flag": "false"}, {"flag": "true"}, ""
    yield {}, {"maybe": "false"}, "maybe = false\n"
    yield {}, {"level": "2"}, "level = 2\n"
    yield {}, {"names": "a\r\n\r\n b \r\n"}, 'names = ["a", "b"]\n'
    yield {}, {"numbers": "1\r\n{{ 2 }}"}, 'numbers = [1, "{{ 2 }}"]\n'
    yield {"day": "1979-05-27"}, {"day": "1979-05-27"}, "day = 1979-05-27\n"
    yield {"day": "1979-05-27"}, {"day": ""}, ""
    yield {"inner": '{ name = "a" }'}, {"inner.name": ""}, ""
    yield {}, {"inner.name": "a"}, 'inner = { name = "a" }\n'
    yield {}, {"inner.password": "KEY"}, 'inner = { password = "{{ secret.KEY }}" }\n'
    yield {"key": "'literal'"}, {"key": "kept"}, "key = 'literal'\n"
    yield {"key": "'literal'"}, {"key": ""}, ""
    yield {"anything": "[1]"}, {"anything": '{"a": 1}'}, "anything = { a = 1 }\n"
    yield (
        {"several": "[{ name = 'a' }, { name = 'b' }]"},
        {"several.1.name": "c"},
        "several = [{ name = 'a' }, { name = \"c\" }]\n",
    )
    yield {"several": "[{ name = 'a' }, { name = 'b' }]"}, {"several.0.name": ""}, "several = [{}, { name = 'b' }]\n"
    yield {"names": '"{{ $.event.names }}"'}, {"names": "{{ $.event.all }}"}, 'names = ["{{ $.event.all }}"]\n'
    yield {"flag": '"{{ 1 }}"'}, {"flag": "{{ 2 }}"}, 'flag = "{{ 2 }}"\n'


@pytest.mark.parametrize(("table", "changes", "expected"), [*cases()])
def test_what_is_filled_in_becomes_the_file(table: dict[str, str], changes: dict[str, str], expected: str) -> None:
    assert filled(table, changes) == expected


class UseEverything(Action[Everything]):
    name = "everything"
    title = "Everything"
    Options = Everything

    async def run(self, options: Everything, step: Step) -> JsonValue:
        return None


class Offering:
    @hookimpl
    def register_actions(self) -> list[type[Action[Any]]]:
        return [UseEverything]


def test_no_secret_is_left_in_a_text_however_deep_it_is_and_all_come_back_as_they_were_written() -> None:
    text = (
        "[[steps]]\nuse = 'everything'\nkey = 'hide 1' # why\nkeys = [\"hide 2\", 'hide 3', '{{ secret.X }}']\n"
        'hidden = """hide\n4"""\ninner = { name = "n", password = "hide 5" }\n'
        'either = { name = "", password = "hide 6" }\n'
        'several = [{ name = "", password = "hide 7" }]\n\n[[steps]]\nuse = "everything"\n\n'
        '[steps.by_name.one]\nname = "x"\npassword = "hide 8"\n\n[[steps.several]]\npassword = "hide 9"\n'
    )
    keeper = SecretKeeper(Registry.of(Offering()), "key")
    hidden = keeper.hidden(text)
    assert "hide" not in hidden
    assert keeper.restored(hidden, text) == text
    assert keeper.restored(hidden, "") == hidden
    assert SecretKeeper(Registry.of(Offering()), "another key").restored(hidden, text) == hidden
