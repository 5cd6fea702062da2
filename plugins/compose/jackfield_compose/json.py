"""`compose.json`: a JSON value, as it is or as text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import to_json

from jackfield import Action, JsonValue, OptionsModel, Step
from jackfield_compose.about import about
from jackfield_compose.empty import OmitEmpty, without_empty


class ComposeJsonOptions(OptionsModel):
    """The options of `compose.json`."""

    value: Annotated[
        JsonValue,
        about(
            ("Value", "Any JSON: a table, a list, a text, a number."),
            ("Значение", "Любой JSON: таблица, список, текст, число."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ]
    as_: Annotated[
        Literal["value", "text"],
        Field(alias="as"),
        about(
            ("Result", "The value itself, or its JSON as text, for JSON inside JSON."),
            ("Результат", "Само значение или его JSON как текст — для JSON внутри JSON."),
        ),
    ] = "value"
    omit_empty: OmitEmpty = False


class ComposeJson(Action[ComposeJsonOptions]):
    """Makes a JSON value; a later step uses it as `{{ $.steps.<name> }}`."""

    name = "compose.json"
    title = {"en": "Form JSON", "ru": "Сформировать JSON"}  # noqa: RUF012 - the interface declares it a ClassVar
    Options = ComposeJsonOptions

    async def run(self, options: ComposeJsonOptions, step: Step) -> JsonValue:  # noqa: ARG002
        """Return the value, or its JSON in compact form."""
        value = without_empty(options.value) if options.omit_empty else options.value
        return value if options.as_ == "value" else to_json(value).decode()
