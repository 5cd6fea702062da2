"""Orders: the sources `getcourse.order_created` and `getcourse.order_paid`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from jackfield import EventField, OptionsModel, Text
from jackfield_getcourse.callback import Callback, CallbackOptions
from jackfield_getcourse.fields import ORDER, PAID_ORDER
from jackfield_getcourse.instructions import ON_CREATION, process


class OrderOptions(CallbackOptions):
    """How a pipeline takes the calls for an order."""

    asked_for: ClassVar[Sequence[EventField]] = ORDER


class OrderCreated(Callback):
    """Reads the call of a process whose object is the order, made when the order is created."""

    name: ClassVar[str] = "getcourse.order_created"
    title: ClassVar[Text] = {"en": "GetCourse: order created", "ru": "GetCourse: создан заказ"}
    description: ClassVar[Text] = {
        "en": "A process of GetCourse calls when an order is created.",
        "ru": "Процесс GetCourse делает вызов при создании заказа.",
    }
    Options: ClassVar[type[OptionsModel]] = OrderOptions
    fields: ClassVar[Sequence[EventField]] = ORDER
    identified_by: ClassVar[Sequence[str]] = ("user_email", "user_first_name", "user_last_name")
    instructions: ClassVar[Sequence[Text]] = process(
        "Заказы",
        ON_CREATION,
        trial={
            "en": "Start the process, create an order and look for the run in the journal.",
            "ru": "Запустите процесс, создайте заказ и найдите операцию в журнале.",
        },
    )


class OrderPaid(Callback):
    """Reads the call of a process whose object is the order, which the administrator lets through once it is paid.

    Whether the order is paid is GetCourse's to decide: nothing is checked here, and `status` stays as it came.
    """

    name: ClassVar[str] = "getcourse.order_paid"
    title: ClassVar[Text] = {"en": "GetCourse: order paid", "ru": "GetCourse: оплачен заказ"}
    description: ClassVar[Text] = {
        "en": "A process of GetCourse calls when an order is paid.",
        "ru": "Процесс GetCourse делает вызов, когда заказ оплачен.",
    }
    Options: ClassVar[type[OptionsModel]] = OrderOptions
    fields: ClassVar[Sequence[EventField]] = PAID_ORDER
    identified_by: ClassVar[Sequence[str]] = ("user_email", "user_first_name", "user_last_name")
    instructions: ClassVar[Sequence[Text]] = process(
        "Заказы",
        {
            "en": "Let the process start by «Периодическая проверка»: GetCourse looks every 5 to 15 minutes, and takes "
            "an order once only.",
            "ru": "Выберите запуск «Периодическая проверка»: GetCourse проверяет заказы каждые 5-15 минут и берёт "
            "каждый заказ только один раз.",
        },
        {
            "en": "In GetCourse, limit the process to orders that are paid; this condition is yours to set, and "
            "Jackfield takes every call for a paid order.",
            "ru": "Ограничьте процесс в GetCourse оплаченными заказами: это условие задаёте вы, а Jackfield считает "
            "каждый вызов вызовом об оплаченном заказе.",
        },
        trial={
            "en": "Start the process, pay an order and look for the run in the journal after the next check.",
            "ru": "Запустите процесс, оплатите заказ и после очередной проверки найдите операцию в журнале.",
        },
    )
