"""`filter`: goes on with the events that are wanted, and ends the run of any other."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from jackfield import Action, OptionsModel, Skip, Step, option


def _strictly(value: object) -> object:
    """Take true and false only: "no" and "0" are text, which Python would call true."""
    if isinstance(value, bool):
        return value
    raise ValueError("must come to true or false; compare, for example \"{{ $.event.city == 'Москва' }}\"")


class FilterOptions(OptionsModel):
    """The options of `filter`."""

    keep_when: Annotated[
        bool,
        BeforeValidator(_strictly, json_schema_input_type=bool | str),
        option(
            ("Keep when", "A condition that gives true or false; false ends the run as skipped."),
            ("Продолжать, если", "Условие, дающее true или false; при false операция закончится как пропущенная."),
            examples=["{{ $.event.phone | default('') != '' }}"],
        ),
    ]
    reason: Annotated[
        str,
        option(
            ("Reason", "What the journal says of a run that ends here."),
            ("Причина", "Что записать в журнал, если операция закончилась здесь."),
        ),
    ] = "the event does not meet the condition"


class Filter(Action[FilterOptions]):
    """Ends the run as skipped, with its reason, unless the condition is met; its result is true."""

    name = "filter"
    title = {"en": "Filter", "ru": "Фильтр"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Ends the run without an error unless the event meets a condition.",
        "ru": "Завершает операцию без ошибки, если событие не подходит под условие.",
    }
    Options = FilterOptions
    http_only = True

    async def run(self, options: FilterOptions, step: Step) -> bool:  # noqa: ARG002
        """Return true. Raises `Skip` if the event is not to be kept."""
        if not options.keep_when:
            raise Skip(options.reason)
        return True
