"""The source `getcourse.user_created`: the call that a GetCourse process makes for a user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from jackfield import EventField, OptionsModel, Text
from jackfield_getcourse.callback import Callback, CallbackOptions
from jackfield_getcourse.fields import USER
from jackfield_getcourse.instructions import ON_CREATION, process


class UserCreatedOptions(CallbackOptions):
    """How a pipeline takes the calls for a user."""

    asked_for: ClassVar[Sequence[EventField]] = USER


class UserCreated(Callback):
    """Reads the call of a process whose object is the user."""

    name: ClassVar[str] = "getcourse.user_created"
    title: ClassVar[Text] = {"en": "GetCourse: user created", "ru": "GetCourse: создан пользователь"}
    description: ClassVar[Text] = {
        "en": "A process of GetCourse calls when a user is created.",
        "ru": "Процесс GetCourse делает вызов при создании пользователя.",
    }
    Options: ClassVar[type[OptionsModel]] = UserCreatedOptions
    fields: ClassVar[Sequence[EventField]] = USER
    identified_by: ClassVar[Sequence[str]] = ("email", "first_name", "last_name")
    instructions: ClassVar[Sequence[Text]] = process(
        "Пользователи",
        ON_CREATION,
        trial={
            "en": "Start the process, create a user and look for the run in the journal.",
            "ru": "Запустите процесс, создайте пользователя и найдите операцию в журнале.",
        },
    )
