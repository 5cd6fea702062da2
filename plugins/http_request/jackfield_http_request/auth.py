"""How a request shows who it is."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self, TypeAlias

from pydantic import AfterValidator, SecretStr, model_validator

from jackfield import OptionsModel
from jackfield_http_request.about import about

CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What a header's value must not contain."""


def _credential(secret: SecretStr) -> SecretStr:
    if CONTROL.search(secret.get_secret_value()):
        raise ValueError("must be one line without control characters (does the secret end with a line break?)")
    return secret


def _user(text: str) -> str:
    if ":" in text or CONTROL.search(text):
        raise ValueError("a user name for basic authentication has no colon and no control characters (RFC 7617)")
    return text


_Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_credential)]


class Basic(OptionsModel):
    """User and password, sent in UTF-8 (RFC 7617)."""

    username: Annotated[
        str,
        AfterValidator(_user),
        about(("User name", "Who the destination knows you as."), ("Имя пользователя", "Под каким именем вас знают.")),
    ]
    password: Annotated[
        _Secret,
        about(
            ("Password", 'Best a secret: "{{ secret.NAME }}".'), ("Пароль", "Лучше из секретов: «{{ secret.NAME }}».")
        ),
    ]


class Auth(OptionsModel):
    """How the step shows who it is: by exactly one of these."""

    basic: Annotated[
        Basic | None,
        about(("Basic", "User name and password."), ("Логин и пароль", "Имя пользователя и пароль.")),
    ] = None
    bearer: Annotated[
        _Secret | None,
        about(
            ("Bearer token", "Sent as `Authorization: Bearer ...`."),
            ("Токен", "Уйдёт как `Authorization: Bearer ...`."),
        ),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.basic is None) == (self.bearer is None):
            raise ValueError("give either basic or bearer")
        return self
