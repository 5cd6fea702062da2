"""How a request shows who it is."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, model_validator

from jackfield import OptionsModel, option
from jackfield_http_request.values import CONTROL, Credential, HeaderName, Url

_KINDS: Final = ("basic", "bearer", "header", "query", "digest", "oauth2")


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("must be one line without control characters")
    return text


def _name(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return _one_line(text)


def _basic_user(text: str) -> str:
    if ":" in text or CONTROL.search(text):
        raise ValueError("a user name for basic authentication has no colon and no control characters (RFC 7617)")
    return text


def _digest_user(text: str) -> str:
    if re.search(r'[:"\\]', text) or CONTROL.search(text):
        raise ValueError("a user name for a digest has no colon, quote, backslash or control character (RFC 7616)")
    return text


_Line: TypeAlias = Annotated[str, AfterValidator(_one_line)]
_Name: TypeAlias = Annotated[str, AfterValidator(_name)]
_Password: TypeAlias = Annotated[
    Credential,
    option(("Password", 'Best a secret: "{{ secret.NAME }}".'), ("Пароль", "Лучше из секретов: «{{ secret.NAME }}».")),
]
_Value: TypeAlias = Annotated[
    Credential,
    option(
        ("Value", 'The key or token, best a secret: "{{ secret.NAME }}".'),
        ("Значение", "Ключ или токен, лучше из секретов: «{{ secret.NAME }}»."),
    ),
]


class Basic(OptionsModel):
    """User and password, sent in UTF-8 (RFC 7617)."""

    username: Annotated[
        str,
        AfterValidator(_basic_user),
        option(("User name", "Who the destination knows you as."), ("Имя пользователя", "Под каким именем вас знают.")),
    ]
    password: _Password


class HeaderCredential(OptionsModel):
    """A secret in a header of its own."""

    name: Annotated[
        HeaderName,
        option(("Header", "The header's name."), ("Заголовок", "Имя заголовка."), examples=["X-Api-Key"]),
    ]
    value: _Value


class QueryCredential(OptionsModel):
    """A secret in the query."""

    name: Annotated[
        _Name,
        option(("Parameter", "The parameter's name."), ("Параметр", "Имя параметра."), examples=["api_key"]),
    ]
    value: _Value


class Digest(OptionsModel):
    """User and password, of which only a digest is sent (RFC 7616)."""

    username: Annotated[
        str,
        AfterValidator(_digest_user),
        option(("User name", "Who the destination knows you as."), ("Имя пользователя", "Под каким именем вас знают.")),
    ]
    password: _Password


class OAuth2(OptionsModel):
    """Client credentials that are exchanged for an access token (RFC 6749, section 4.4)."""

    token_url: Annotated[
        Url,
        option(
            ("Token address", "Where the token is fetched."),
            ("Адрес токена", "Где получить токен."),
            examples=["https://api.sendpulse.com/oauth/access_token"],
        ),
    ]
    client_id: Annotated[
        _Name,
        option(("Client id", "The id of your application."), ("ID клиента", "ID вашего приложения.")),
    ]
    client_secret: Annotated[
        Credential,
        option(
            ("Client secret", 'Best a secret: "{{ secret.NAME }}".'),
            ("Секрет клиента", "Лучше из секретов: «{{ secret.NAME }}»."),
        ),
    ]
    scope: Annotated[
        _Line | None,
        option(
            ("Scope", "What the token shall allow, separated by spaces."),
            ("Права", "Что должен разрешать токен, через пробел."),
        ),
    ] = None
    audience: Annotated[
        _Line | None,
        option(
            ("Audience", "Whom the token is for; some services ask for it."),
            ("Получатель", "Для кого токен; некоторые сервисы требуют это указать."),
        ),
    ] = None
    send: Annotated[
        Literal["form", "basic"],
        option(
            ("Sent in", "Where the client's id and secret go: into the form, or a basic Authorization header."),
            ("Где передать", "ID и секрет клиента уйдут в теле-форме или в заголовке Authorization (basic)."),
        ),
    ] = "form"


class Auth(OptionsModel):
    """How the step shows who it is: by exactly one of these."""

    exclusive = (_KINDS,)
    at_least_one = (_KINDS,)

    basic: Annotated[
        Basic | None,
        option(("Basic", "User name and password."), ("Логин и пароль", "Имя пользователя и пароль.")),
    ] = None
    bearer: Annotated[
        Credential | None,
        option(
            ("Bearer token", "Sent as `Authorization: Bearer ...`."),
            ("Токен", "Уйдёт как `Authorization: Bearer ...`."),
        ),
    ] = None
    header: Annotated[
        HeaderCredential | None,
        option(
            ("Header", "A key or token in a header of its own."), ("Заголовок", "Ключ или токен в отдельном заголовке.")
        ),
    ] = None
    query: Annotated[
        QueryCredential | None,
        option(
            ("Query parameter", "A key or token, added to the address."),
            ("Параметр адреса", "Ключ или токен, добавится к адресу."),
        ),
    ] = None
    digest: Annotated[
        Digest | None,
        option(
            ("Digest", "User name and password, of which only a digest is sent."),
            ("Дайджест", "Имя пользователя и пароль; передаётся только их хеш."),
        ),
    ] = None
    oauth2: Annotated[
        OAuth2 | None,
        option(
            ("OAuth 2", "Client credentials: the token is fetched and renewed by itself."),
            ("OAuth 2", "Ключи приложения (client credentials): токен запрашивается и обновляется сам."),
        ),
    ] = None

    @model_validator(mode="after")
    def _is_no_null(self) -> Self:
        if all(getattr(self, kind) is None for kind in _KINDS):
            raise ValueError("comes to null, and nothing is sent without the credential that it is to have")
        return self

    @property
    def header_name(self) -> str | None:
        """The header that the credential goes into, in lower case; None if it goes into the address."""
        if self.query:
            return None
        return self.header.name.lower() if self.header else "authorization"
