"""The tables of a pipeline's file: the keys of the file itself, of `[source]` and of a step that the host reads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, JsonValue

from jackfield.components.host_keys.retry import RetryPolicy
from jackfield.components.options import OptionsModel, option
from jackfield.components.units import Duration, Rate, parse_duration
from jackfield.components.values import Text

_STEP_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _valid_name(name: str) -> str:
    if not _STEP_NAME.fullmatch(name):
        raise ValueError(
            "may have only Latin letters, digits and _, with no digit in front: later steps use it in a path"
        )
    return name


_StepName: TypeAlias = Annotated[
    str, AfterValidator(_valid_name), Field(json_schema_extra={"pattern": f"^{_STEP_NAME.pattern}$"})
]


class ReplySettings(OptionsModel):
    """What the sender is answered instead of the source's own reply; strings may hold templates."""

    exclusive = (("text", "json"),)

    status: int = option(("Status", "The answer's status."), ("Статус", "Статус ответа."), default=200, ge=200, le=599)
    text: str = option(("Text", "A text as the answer's body."), ("Текст", "Текст в теле ответа."), default="")
    json_: JsonValue = option(
        ("JSON", "JSON as the answer's body, in place of a text."),
        ("JSON", "JSON в теле ответа вместо текста."),
        default=None,
        alias="json",
    )


class SourceSettings(OptionsModel):
    """The keys of `[source]` that belong to the host."""

    use: str = Field(description="The source, by name.")
    dedupe: str | None = option(
        ("Duplicates by", "A template: events for which it gives the same are taken for one."),
        ("Дубликаты по", "Шаблон: события с одинаковым значением считаются одним."),
        default=None,
    )
    dedupe_within: Duration | None = option(
        ("Duplicates within", "For how long, such as 1 h or 7 days. Empty: for as long as the journal goes back."),
        ("Срок для дубликатов", "Как долго, например 1 h или 7 days. Пусто: пока событие есть в журнале."),
        default=None,
    )
    reply: ReplySettings | None = option(
        ("Reply", "What the sender is answered."), ("Ответ", "Что ответить отправителю."), default=None
    )
    silent_after: Duration | None = option(
        ("Silent after", "Tell the operator when nothing has come in for so long, such as 1 day."),
        ("Тишина дольше", "Сообщить оператору, если столько времени ничего не приходило, например 1 day."),
        default=None,
        gt=timedelta(0),
    )
    address_version: int = option(
        ("Address version", "Raise it to get a new webhook address; the old one stops working."),
        ("Версия адреса", "Увеличьте, чтобы получить новый адрес вебхука; старый перестанет работать."),
        default=1,
        ge=1,
    )


class StepSettings(OptionsModel):
    """The keys of a step that belong to the host."""

    use: str = Field(description="The action, by name.")
    name: _StepName = option(
        ("Name", "What later steps call it in their templates. Latin letters, digits and _."),
        ("Имя", "Так шаг называют шаблоны следующих шагов. Латинские буквы, цифры и _."),
        default="",
    )
    when: str | bool | None = option(
        ("Only when", "A template: the step is passed over if it gives false."),
        ("Только если", "Шаблон: если он даёт false, шаг пропускается."),
        default=None,
    )
    retry: RetryPolicy = option(
        ("Retry", "When to try again what failed for now."),
        ("Повторные попытки", "Когда повторить то, что пока не получилось."),
        default=RetryPolicy(),
    )
    timeout: Duration = option(
        ("Timeout", "How long one attempt may take, such as 30 s."),
        ("Время на попытку", "Сколько может длиться одна попытка, например 30 s."),
        default=parse_duration("30 s"),
        gt=timedelta(0),
    )
    on_error: Literal["stop", "continue"] = option(
        ("If it fails", "What a step that failed for good means for the run: stop, or continue."),
        ("Если не удалось", "Остановить операцию (stop) или продолжить (continue), если шаг окончательно не удался."),
        default="stop",
    )
    url_from_event: bool = option(
        (
            "Address from the event",
            "Whether an event, or an earlier step, may say to which host requests go. Only for senders that you trust.",
        ),
        (
            "Адрес из события",
            "Может ли событие или предыдущий шаг указать сервер для запросов. Только для доверенных отправителей.",
        ),
        default=False,
    )


class PipelineSettings(OptionsModel):
    """The keys of the file itself."""

    title: Text = option(
        ("Title", "What people call the pipeline."), ("Название", "Как люди называют обработку."), default=""
    )
    label: str | None = option(
        ("Label", "Whom or what an event is about: a template such as {{ $.event.email }}. Empty: it is guessed."),
        ("Подпись", "О ком или о чём событие: шаблон, например {{ $.event.email }}. Пусто: подбирается само."),
        default=None,
    )
    concurrency: int = option(
        ("At once", "How many of its runs may go at the same time."),
        ("Одновременно", "Сколько операций может выполняться одновременно."),
        default=10,
        ge=1,
        le=1000,
    )
    rate: Rate | None = option(
        ("Rate", "How fast its runs may start, such as 7/s or 100/min."),
        ("Скорость", "Как часто могут начинаться операции, например 7/s или 100/min."),
        default=None,
    )
    order_by: str | None = option(
        ("In order by", "A template: runs for which it gives the same go one after the other."),
        ("По порядку", "Шаблон: операции с одинаковым значением выполняются по очереди."),
        default=None,
    )
    pause_after: int | None = option(
        ("Hold after failures", "Put the pipeline on hold after so many failed runs in a row."),
        ("Пауза после ошибок", "Поставить обработку на паузу после стольких неудачных операций подряд."),
        default=None,
        ge=1,
    )
    mask: list[str] = option(
        ("Masked values", "Paths into the event, such as $.event.phone, that viewers do not see. One on each line."),
        (
            "Скрытые значения",
            "Пути в событии, например $.event.phone, которые не видят наблюдатели. По одному в строке.",
        ),
        default=[],
    )
    source: dict[str, Any]
    steps: list[dict[str, Any]] = Field(min_length=1)


SOURCE_KEYS: Final = frozenset(SourceSettings.model_fields)
"""What the host itself reads in `[source]`; no source may have an option of this name."""
STEP_KEYS: Final = frozenset(StepSettings.model_fields)
"""What the host itself reads in a step; no action may have an option of this name."""
