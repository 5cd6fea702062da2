"""Instructions: how a process is set up in GetCourse, one sentence a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Sentence: TypeAlias = Mapping[str, str]


def process(objects: str, *start: Sentence, trial: Sentence) -> Sequence[Sentence]:
    """Say how to set up a process for these objects («Заказы»): how it starts, and how to try it out."""
    return (
        {
            "en": "In GetCourse, as the owner or an administrator, create a process («Процессы») with the object type "
            f"«{objects}»; it cannot be changed later.",
            "ru": "В GetCourse под владельцем или администратором создайте процесс («Процессы») с типом объекта "
            f"«{objects}»: изменить его потом нельзя.",
        },
        *start,
        {
            "en": "Add the operation «Вызвать URL» and choose GET or POST.",
            "ru": "Добавьте операцию «Вызвать URL» и выберите метод GET или POST.",
        },
        {
            "en": "Paste the address as it is, braces included; make sure that no space or tab slipped in before it.",
            "ru": "Вставьте адрес как есть, вместе с фигурными скобками; убедитесь, что перед ним не вставились "
            "пробелы или табуляция.",
        },
        {
            "en": "Only if the pipeline takes its secret from a header: add that header to the operation.",
            "ru": "Только если секрет передаётся в заголовке: добавьте этот заголовок в операцию.",
        },
        trial,
    )


ON_CREATION: Sentence = {
    "en": "Let the process start at «При создании объекта».",
    "ru": "Выберите запуск процесса «При создании объекта».",
}
"""The process starts when its object is created."""
