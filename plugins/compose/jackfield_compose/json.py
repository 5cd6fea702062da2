"""`compose.json`: a JSON value, as it is or as text."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from jackfield import Action, JsonValue, OptionsModel, PermanentFailure, Step, option
from jackfield_compose.empty import OmitEmpty, without_empty


class ComposeJsonOptions(OptionsModel):
    """The options of `compose.json`."""

    value: Annotated[
        JsonValue,
        option(
            ("Value", "Any JSON: a table, a list, a text, a number."),
            ("Значение", "Любой JSON: таблица, список, текст, число."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ]
    as_: Annotated[
        Literal["value", "text"],
        Field(alias="as"),
        option(
            ("Result", "The value itself, or its JSON as text, for JSON inside JSON."),
            ("Результат", "Само значение или его JSON как текст — для JSON внутри JSON."),
        ),
    ] = "value"
    omit_empty: OmitEmpty = False


class ComposeJson(Action[ComposeJsonOptions]):
    """Makes a JSON value; a later step uses it as `{{ $.steps.<name> }}`."""

    name = "compose.json"
    title = {"en": "Form JSON", "ru": "Сформировать JSON"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Makes JSON out of values, for the body of a later step.",
        "ru": "Собирает JSON из значений для тела следующего шага.",
    }
    Options = ComposeJsonOptions
    http_only = True

    async def run(self, options: ComposeJsonOptions, step: Step) -> JsonValue:  # noqa: ARG002
        """Return the value, or its JSON in compact form. Raises `PermanentFailure` for a number that JSON lacks."""
        value = without_empty(options.value) if options.omit_empty else options.value
        if options.as_ == "value":
            return value
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError:
            raise PermanentFailure("value has a number that JSON does not have: nan or inf") from None
