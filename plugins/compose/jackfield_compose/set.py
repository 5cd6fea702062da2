"""`set`: named values for later steps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jackfield import Action, JsonObject, JsonValue, OptionsModel, Step, option


class SetOptions(OptionsModel):
    """The options of `set`."""

    values: Annotated[
        dict[str, JsonValue],
        Field(min_length=1),
        option(
            ("Values", "Names and values; later steps use $.steps.<name>.<value>."),
            ("Значения", "Имена и значения; дальше они доступны как $.steps.<имя шага>.<имя>."),
            examples=[{"full_name": "{{ $.event.first_name }} {{ $.event.last_name }}"}],
        ),
    ]


class Set(Action[SetOptions]):
    """Works values out once, so that later steps can use them by name."""

    name = "set"
    title = {"en": "Set values", "ru": "Задать значения"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Works values out once and gives them names for later steps.",
        "ru": "Вычисляет значения один раз и даёт им имена для следующих шагов.",
    }
    Options = SetOptions
    http_only = True

    async def run(self, options: SetOptions, step: Step) -> JsonObject:  # noqa: ARG002
        """Return the values."""
        return options.values
