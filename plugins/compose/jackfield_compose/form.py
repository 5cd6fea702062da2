"""`compose.form`: data as an urlencoded form, the body of a later step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeAlias
from urllib.parse import quote, urlencode

from jackfield import Action, JsonValue, OptionsModel, PermanentFailure, Step, option
from jackfield_compose.empty import OmitEmpty, without_empty

_Lists: TypeAlias = Literal["repeat", "brackets", "indexes"]


class ComposeFormOptions(OptionsModel):
    """The options of `compose.form`."""

    fields: Annotated[
        dict[str, JsonValue] | list[tuple[str, JsonValue]],
        option(
            ("Fields", "A table or a list of pairs. Tables inside become a[b]."),
            ("Поля", "Таблица или список пар. Вложенные таблицы станут a[b]."),
            examples=[{"email": "{{ $.event.email }}", "fields": {"NAME": "{{ $.event.first_name }}"}}],
        ),
    ]
    lists: Annotated[
        _Lists,
        option(
            ("Lists", "Repeat the name (a=1&a=2), add brackets (a[]=1), or number them (a[0]=1)."),
            ("Списки", "Повторять имя (a=1&a=2), добавлять скобки (a[]=1) или номера (a[0]=1)."),
        ),
    ] = "repeat"
    omit_empty: OmitEmpty = False
    charset: Annotated[
        Literal["utf-8", "windows-1251"],
        option(
            ("Charset", "What the text is encoded in before it is percent-encoded."),
            ("Кодировка", "В какой кодировке текст до процентного кодирования."),
        ),
    ] = "utf-8"


class ComposeForm(Action[ComposeFormOptions]):
    """Makes an urlencoded form; `http_request` sends it as its `body`."""

    name = "compose.form"
    title = {"en": "Form urlencoded data", "ru": "Сформировать данные Form Urlencoded"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Makes an urlencoded form out of values, for the body of a later step.",
        "ru": "Собирает форму из значений для тела следующего шага.",
    }
    Options = ComposeFormOptions
    http_only = True

    async def run(self, options: ComposeFormOptions, step: Step) -> str:  # noqa: ARG002
        """Return the form. Raises `PermanentFailure` if a value cannot be part of one."""
        fields = options.fields
        entries = list(fields.items()) if isinstance(fields, dict) else fields
        pairs = [pair for name, value in entries for pair in _flat(name, value, options)]
        try:
            return urlencode(pairs, encoding=options.charset, quote_via=quote, safe="")
        except UnicodeEncodeError:
            raise PermanentFailure(f"a field has characters that {options.charset} does not have; use utf-8") from None


def _flat(name: str, value: JsonValue, options: ComposeFormOptions) -> Iterator[tuple[str, str]]:
    if options.omit_empty:
        if value in (None, ""):
            return
        value = without_empty(value)
    for inner, item in _inside(name, value, options.lists):
        if isinstance(item, dict | list):
            yield from _flat(inner, item, options)
        else:
            yield inner, _text(inner, item)


def _inside(name: str, value: JsonValue, lists: _Lists) -> Iterable[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        return ((f"{name}[{key}]", item) for key, item in value.items())
    if not isinstance(value, list):
        return ((name, value),)
    if lists == "indexes" or any(isinstance(item, dict | list) for item in value):
        return ((f"{name}[{index}]", item) for index, item in enumerate(value))
    return ((name if lists == "repeat" else f"{name}[]", item) for item in value)


def _text(name: str, value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and math.isfinite(value):
        return str(value)
    raise PermanentFailure(f"{name} is no text, number, true, false or null, so a form cannot carry it")
