"""The keys of a pipeline's file that belong to the host, as options, in the words of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from jackfield.components.values import Text
from jackfield.pipelines.definition import PipelineSettings, SourceSettings, StepSettings
from jackfield.web.forms.option_shapes import Option, read_options

_Words = Mapping[str, tuple[tuple[str, str], tuple[str, str]]]

_PIPELINE: Final[_Words] = {
    "title": (("Title", "What people call the pipeline."), ("Название", "Как люди называют обработку.")),
    "label": (
        (
            "Label",
            "Whom or what an event is about: a template such as {{ $.event.email }}. Empty: it is guessed.",
        ),
        (
            "Подпись",
            "О ком или о чём событие: шаблон, например {{ $.event.email }}. Пусто: подбирается само.",
        ),
    ),
    "concurrency": (
        ("At once", "How many of its runs may go at the same time."),
        ("Одновременно", "Сколько операций может выполняться одновременно."),
    ),
    "rate": (
        ("Rate", "How fast its runs may start, such as 7/s or 100/min."),
        ("Скорость", "Как часто могут начинаться операции, например 7/s или 100/min."),
    ),
    "order_by": (
        ("In order by", "A template: runs for which it gives the same go one after the other."),
        ("По порядку", "Шаблон: операции с одинаковым значением выполняются по очереди."),
    ),
    "pause_after": (
        ("Hold after failures", "Put the pipeline on hold after so many failed runs in a row."),
        ("Пауза после ошибок", "Поставить обработку на паузу после стольких неудачных операций подряд."),
    ),
    "mask": (
        ("Masked values", "Paths into the event, such as $.event.phone, that viewers do not see. One on each line."),
        (
            "Скрытые значения",
            "Пути в событии, например $.event.phone, которые не видят наблюдатели. По одному в строке.",
        ),
    ),
}
_SOURCE: Final[_Words] = {
    "dedupe": (
        ("Duplicates by", "A template: events for which it gives the same are taken for one."),
        ("Дубликаты по", "Шаблон: события с одинаковым значением считаются одним."),
    ),
    "dedupe_within": (
        ("Duplicates within", "For how long, such as 1 h or 7 days. Empty: for as long as the journal goes back."),
        ("Срок для дубликатов", "Как долго, например 1 h или 7 days. Пусто: пока событие есть в журнале."),
    ),
    "reply": (("Reply", "What the sender is answered."), ("Ответ", "Что ответить отправителю.")),
    "silent_after": (
        ("Silent after", "Tell the operator when nothing has come in for so long, such as 1 day."),
        ("Тишина дольше", "Сообщить оператору, если столько времени ничего не приходило, например 1 day."),
    ),
    "address_version": (
        ("Address version", "Raise it to get a new webhook address; the old one stops working."),
        ("Версия адреса", "Увеличьте, чтобы получить новый адрес вебхука; старый перестанет работать."),
    ),
}
_REPLY: Final[_Words] = {
    "status": (("Status", "The answer's status."), ("Статус", "Статус ответа.")),
    "text": (("Text", "A text as the answer's body."), ("Текст", "Текст в теле ответа.")),
    "json": (("JSON", "JSON as the answer's body, in place of a text."), ("JSON", "JSON в теле ответа вместо текста.")),
}
_STEP: Final[_Words] = {
    "name": (
        ("Name", "What later steps call it in their templates. Latin letters, digits and _."),
        ("Имя", "Так шаг называют шаблоны следующих шагов. Латинские буквы, цифры и _."),
    ),
    "when": (
        ("Only when", "A template: the step is passed over if it gives false."),
        ("Только если", "Шаблон: если он даёт false, шаг пропускается."),
    ),
    "retry": (
        ("Retry", "When to try again what failed for now."),
        ("Повторные попытки", "Когда повторить то, что пока не получилось."),
    ),
    "timeout": (
        ("Timeout", "How long one attempt may take, such as 30 s."),
        ("Время на попытку", "Сколько может длиться одна попытка, например 30 s."),
    ),
    "on_error": (
        ("If it fails", "What a step that failed for good means for the run: stop, or continue."),
        ("Если не удалось", "Остановить операцию (stop) или продолжить (continue), если шаг окончательно не удался."),
    ),
    "url_from_event": (
        (
            "Address from the event",
            "Whether an event, or an earlier step, may say to which host requests go. Only for senders that you trust.",
        ),
        (
            "Адрес из события",
            "Может ли событие или предыдущий шаг указать сервер для запросов. Только для доверенных отправителей.",
        ),
    ),
}


def pipeline_options() -> tuple[Option, ...]:
    """Return the options of the file itself."""
    return _described(PipelineSettings, _PIPELINE, {"source", "steps"})


def source_options() -> tuple[Option, ...]:
    """Return the options of any source."""
    return _described(SourceSettings, _SOURCE, {"use"})


def step_options() -> tuple[Option, ...]:
    """Return the options of any step."""
    return _described(StepSettings, _STEP, {"use"})


def _described(model: type[BaseModel], words: _Words, without: set[str]) -> tuple[Option, ...]:
    return tuple(_about(option, words) for option in read_options(model) if option.name not in without)


def _about(option: Option, words: _Words) -> Option:
    if option.name == "reply":
        inside = tuple(_about(one, _REPLY) for one in option.shapes[0].options)
        option = option.with_options(inside)
    if option.name not in words:
        return option
    english, russian = words[option.name]
    titles: tuple[Text, Text] = (
        {"en": english[0], "ru": russian[0]},
        {"en": english[1], "ru": russian[1]},
    )
    return option.about(*titles)
