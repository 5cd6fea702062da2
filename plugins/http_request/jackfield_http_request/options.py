"""The options of `http_request`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from jackfield import Duration, JsonValue, LateExpression, LateTemplate, OptionsModel, Size
from jackfield_http_request.outcome import read_ignored, read_patterns
from jackfield_http_request.pairs import Pairs, read_pairs

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_URL: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@\\\[\]:]+)(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})


def _method(text: str) -> str:
    method = text.strip().upper()
    if not _TOKEN.fullmatch(method):
        raise ValueError("is not a request method: write GET, POST, PUT, PATCH, DELETE or another single word")
    if method == "CONNECT":
        raise ValueError("CONNECT is only for proxies")
    return method


def _url(text: str) -> str:
    url = text.strip()
    if _URL.fullmatch(url):
        return url
    if re.match(r"https?://[^/?#]*@", url, re.IGNORECASE):
        raise ValueError("must not contain a user and a password: put them into auth.basic")
    raise ValueError("is not an address: it must begin with http:// or https:// and a host, and be one line")


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"{text!r} cannot be a header's name: Latin letters, digits and hyphens only")
    if text.lower() in _FRAMING:
        raise ValueError(f"{text} is set by itself and must not be given")
    return text


def _header_value(text: str) -> str:
    value = text.strip()
    if _CONTROL.search(value):
        raise ValueError("a header's value must be one line without control characters")
    return value


def _credential(secret: SecretStr) -> SecretStr:
    if _CONTROL.search(secret.get_secret_value()):
        raise ValueError("must be one line without control characters (does the secret end with a line break?)")
    return secret


def _user(text: str) -> str:
    if ":" in text or _CONTROL.search(text):
        raise ValueError("a user name for basic authentication has no colon and no control characters (RFC 7617)")
    return text


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return value


def _about(english: tuple[str, str], russian: tuple[str, str], *, examples: list[Any] | None = None) -> Any:
    """Describe an option: its title and description in both languages."""
    words: dict[str, Any] = {"ru": {"title": russian[0], "description": russian[1]}}
    return Field(title=english[0], description=english[1], examples=examples, json_schema_extra=words)


_Table: TypeAlias = dict[str, JsonValue] | list[tuple[str, JsonValue]]
_Pairs: TypeAlias = Annotated[Pairs, BeforeValidator(read_pairs, json_schema_input_type=_Table)]
_Headers: TypeAlias = Annotated[
    tuple[tuple[Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_header_value)]], ...],
    BeforeValidator(read_pairs, json_schema_input_type=_Table),
]
_Patterns: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(read_patterns, json_schema_input_type=str | int | list[str | int])
]
_Ignored: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(read_ignored, json_schema_input_type=str | int | list[str | int])
]
_Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_credential)]
_Wait: TypeAlias = Annotated[Duration, AfterValidator(_positive)]


class Basic(OptionsModel):
    """User and password, sent in UTF-8 (RFC 7617)."""

    username: Annotated[
        str,
        AfterValidator(_user),
        _about(("User name", "Who the destination knows you as."), ("Имя пользователя", "Под каким именем вас знают.")),
    ]
    password: Annotated[
        _Secret,
        _about(
            ("Password", 'Best a secret: "{{ secret.NAME }}".'), ("Пароль", "Лучше из секретов: «{{ secret.NAME }}».")
        ),
    ]


class Auth(OptionsModel):
    """How the step shows who it is: by exactly one of these."""

    basic: Annotated[
        Basic | None,
        _about(("Basic", "User name and password."), ("Логин и пароль", "Имя пользователя и пароль.")),
    ] = None
    bearer: Annotated[
        _Secret | None,
        _about(
            ("Bearer token", "Sent as `Authorization: Bearer ...`."),
            ("Токен", "Уйдёт как `Authorization: Bearer ...`."),
        ),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.basic is None) == (self.bearer is None):
            raise ValueError("give either basic or bearer")
        return self


class Timeouts(OptionsModel):
    """How long single waits may take; the step's own `timeout` limits all of it together."""

    connect: Annotated[
        _Wait,
        _about(
            ("Connect", "For the name, the connection and TLS."),
            ("Соединение", "Поиск имени, соединение и TLS."),
        ),
    ] = timedelta(seconds=10)
    read: Annotated[
        _Wait,
        _about(
            ("Read", "For each next piece of the answer."),
            ("Чтение", "Ожидание каждой следующей части ответа."),
        ),
    ] = timedelta(seconds=30)


class HttpRequestOptions(OptionsModel):
    """What one request looks like and what its answer has to be."""

    method: Annotated[
        str,
        AfterValidator(_method),
        _about(("Method", "The request's method."), ("Метод", "Метод запроса."), examples=["POST", "GET", "PUT"]),
    ] = "POST"
    url: Annotated[
        str,
        AfterValidator(_url),
        _about(
            ("Address", "Where the request goes: http or https. A query that it has is kept."),
            ("Адрес", "Куда отправить запрос: http или https. Параметры, которые в нём уже есть, остаются."),
            examples=["https://online.bizon365.ru/api/v1/course/student/add"],
        ),
    ]
    query: Annotated[
        _Pairs,
        _about(
            ("Query parameters", "A table or a list of pairs, added to the address. A list repeats the name."),
            ("Параметры адреса", "Таблица или список пар, добавляются к адресу. Список повторяет имя."),
            examples=[{"format": "json", "tags": ["a", "b"]}],
        ),
    ] = ()
    headers: Annotated[
        _Headers,
        _about(
            ("Headers", "A table or a list of pairs. They replace what would be sent by itself."),
            ("Заголовки", "Таблица или список пар. Они заменяют то, что ушло бы само."),
            examples=[{"X-Token": "{{ secret.BIZON_TOKEN }}"}],
        ),
    ] = ()
    json_: Annotated[
        JsonValue,
        Field(alias="json"),
        _about(
            ("JSON body", "Any JSON value."),
            ("Тело JSON", "Любое значение JSON."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ] = None
    form: Annotated[
        _Pairs,
        _about(
            (
                "Form body",
                "A table or a list of pairs, sent urlencoded. Tables inside become a[b], lists repeat the name.",
            ),
            (
                "Тело-форма",
                "Таблица или список пар, уйдёт как urlencoded. Вложенные таблицы станут a[b], списки повторят имя.",
            ),
            examples=[{"email": "{{ $.event.email }}", "fields": {"NAME": "{{ $.event.first_name }}"}}],
        ),
    ] = ()
    body: Annotated[
        str | None, _about(("Text body", "Sent as it is, in UTF-8."), ("Тело-текст", "Уйдёт как есть, в UTF-8."))
    ] = None
    success: Annotated[
        _Patterns,
        _about(
            ("Success", 'Which statuses are success: "2**", "200-204", 404, or a list of these.'),
            ("Успех", "Какие статусы считать успехом: «2**», «200-204», 404 или список."),
            examples=["2**", ["200-204", 404]],
        ),
    ] = ("2**",)
    ignore: Annotated[
        _Ignored,
        _about(
            ("Ignore", "Statuses that are success whatever the answer says, such as 404 or 409."),
            ("Не считать ошибкой", "Статусы, которые считаются успехом, что бы ни было в ответе: 404, 409."),
            examples=[[404, 409]],
        ),
    ] = ()
    success_when: Annotated[
        LateExpression | None,
        _about(
            ("Success when", "What must be true of an answer with a success status; `$.response` is the answer."),
            ("Успех, если", "Что должно быть верно для ответа с успешным статусом; `$.response` — сам ответ."),
            examples=["{{ $.response.body.ok }}"],
        ),
    ] = None
    fail_when: Annotated[
        LateExpression | None,
        _about(
            ("Failure when", "What makes an answer with a success status a failure that stays."),
            ("Ошибка, если", "Что делает ответ с успешным статусом окончательной ошибкой."),
            examples=["{{ $.response.body.error | default(false) }}"],
        ),
    ] = None
    retry_when: Annotated[
        LateExpression | None,
        _about(
            ("Retry when", "What makes an answer, whatever its status, a failure that passes."),
            ("Повторить, если", "Что делает ответ с любым статусом временной ошибкой."),
            examples=["{{ $.response.body.code | default('') == 'retry_later' }}"],
        ),
    ] = None
    retry_after: Annotated[
        LateExpression | None,
        _about(
            ("Retry after", "How many seconds the answer asks to wait; empty or null is no wish."),
            ("Повторить через", "Сколько секунд ответ просит подождать; пусто или null — не просит."),
            examples=["{{ $.response.body.parameters.retry_after | default('') }}"],
        ),
    ] = None
    reason: Annotated[
        LateTemplate | None,
        _about(
            ("Reason", "What a failure says in place of the answer's text."),
            ("Причина", "Что написать в ошибке вместо текста ответа."),
            examples=["{{ $.response.body.description | default('') }}"],
        ),
    ] = None
    auth: Annotated[
        Auth | None,
        _about(
            ("Authentication", "Basic or bearer; becomes the header Authorization."),
            ("Авторизация", "Логин и пароль или токен; станет заголовком Authorization."),
        ),
    ] = None
    timeouts: Annotated[
        Timeouts,
        _about(("Timeouts", "How long single waits may take."), ("Время ожидания", "Сколько длится каждое ожидание.")),
    ] = Timeouts()
    redirects: Annotated[
        Literal["off", "same_origin", "all"],
        _about(
            ("Redirects", "Whether they are followed, five at most; other origins get no headers of yours."),
            ("Перенаправления", "Следовать ли им, не больше пяти; чужим адресам ваши заголовки не уходят."),
        ),
    ] = "off"
    max_answer: Annotated[
        Size,
        _about(
            ("Longest answer", "Reading stops there; a longer answer is kept as text, with `cut` in the result."),
            ("Длина ответа", "Дальше ответ не читается: останется текст, и в результате появится `cut`."),
        ),
    ] = 1_000_000
    idempotency_key: Annotated[
        bool,
        _about(
            ("Idempotency key", "Whether to send Idempotency-Key, the same at every attempt."),
            ("Ключ идемпотентности", "Отправлять ли Idempotency-Key, один и тот же при каждой попытке."),
        ),
    ] = True

    @model_validator(mode="after")
    def _do_not_contradict(self) -> Self:
        if len({"json_", "form", "body"} & self.model_fields_set) > 1:
            raise ValueError("give only one of json, form and body")
        if self.auth and any(name.lower() == "authorization" for name, _ in self.headers):
            raise ValueError("give either auth or the header Authorization")
        return self
