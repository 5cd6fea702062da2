"""`compose.text`: a text out of a template."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jackfield import Action, OptionsModel, Step, option


class ComposeTextOptions(OptionsModel):
    """The options of `compose.text`."""

    text: Annotated[
        str,
        Field(coerce_numbers_to_str=True),
        option(
            ("Text", "Any text with values of the event in it."),
            ("Текст", "Любой текст со значениями из события."),
            examples=["{{ $.event.first_name }} {{ $.event.last_name }}"],
        ),
    ]


class ComposeText(Action[ComposeTextOptions]):
    """Makes a text; a later step uses it as `{{ $.steps.<name> }}`."""

    name = "compose.text"
    title = {"en": "Form a text", "ru": "Сформировать текст"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Makes a text out of values, for a later step.",
        "ru": "Составляет текст из значений для следующего шага.",
    }
    Options = ComposeTextOptions
    http_only = True

    async def run(self, options: ComposeTextOptions, step: Step) -> str:  # noqa: ARG002
        """Return the text."""
        return options.text
