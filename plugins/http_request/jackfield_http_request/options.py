"""The options of `http_request`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from jackfield import Duration, JsonValue, LateExpression, LateTemplate, OptionsModel, Size
from jackfield_http_request.about import about
from jackfield_http_request.auth import CONTROL, Auth
from jackfield_http_request.extract import checked_paths
from jackfield_http_request.outcome import read_ignored, read_patterns
from jackfield_http_request.pairs import Pairs, read_pairs

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_URL: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@\\\[\]:]+)(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)
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
    if CONTROL.search(value):
        raise ValueError("a header's value must be one line without control characters")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return value


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
_Wait: TypeAlias = Annotated[Duration, AfterValidator(_positive)]


class Timeouts(OptionsModel):
    """How long single waits may take; the step's own `timeout` limits all of it together."""

    connect: Annotated[
        _Wait,
        about(
            ("Connect", "For the name, the connection and TLS."),
            ("Соединение", "Поиск имени, соединение и TLS."),
        ),
    ] = timedelta(seconds=10)
    read: Annotated[
        _Wait,
        about(
            ("Read", "For each next piece of the answer."),
            ("Чтение", "Ожидание каждой следующей части ответа."),
        ),
    ] = timedelta(seconds=30)


class HttpRequestOptions(OptionsModel):
    """What one request looks like and what its answer has to be."""

    method: Annotated[
        str,
        AfterValidator(_method),
        about(("Method", "The request's method."), ("Метод", "Метод запроса."), examples=["POST", "GET", "PUT"]),
    ] = "POST"
    url: Annotated[
        str,
        AfterValidator(_url),
        about(
            ("Address", "Where the request goes: http or https. A query that it has is kept."),
            ("Адрес", "Куда отправить запрос: http или https. Параметры, которые в нём уже есть, остаются."),
            examples=["https://online.bizon365.ru/api/v1/course/student/add"],
        ),
    ]
    query: Annotated[
        _Pairs,
        about(
            ("Query parameters", "A table or a list of pairs, added to the address. A list repeats the name."),
            ("Параметры адреса", "Таблица или список пар, добавляются к адресу. Список повторяет имя."),
            examples=[{"format": "json", "tags": ["a", "b"]}],
        ),
    ] = ()
    headers: Annotated[
        _Headers,
        about(
            ("Headers", "A table or a list of pairs. They replace what would be sent by itself."),
            ("Заголовки", "Таблица или список пар. Они заменяют то, что ушло бы само."),
            examples=[{"X-Token": "{{ secret.BIZON_TOKEN }}"}],
        ),
    ] = ()
    json_: Annotated[
        JsonValue,
        Field(alias="json"),
        about(
            ("JSON body", "Any JSON value."),
            ("Тело JSON", "Любое значение JSON."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ] = None
    form: Annotated[
        _Pairs,
        about(
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
        str | None,
        about(
            ("Text body", "A text or XML, sent as it is, in UTF-8."),
            ("Тело-текст", "Текст или XML, уйдёт как есть, в UTF-8."),
        ),
    ] = None
    omit_empty: Annotated[
        bool,
        about(
            ("Leave out empty values", "Leaves null and empty text out of query, form and json, at every depth."),
            ("Убрать пустые значения", "Не передавать null и пустой текст в query, form и json, на любой глубине."),
        ),
    ] = False
    success: Annotated[
        _Patterns,
        about(
            ("Success", 'Which statuses are success: "2**", "200-204", 404, or a list of these.'),
            ("Успех", "Какие статусы считать успехом: «2**», «200-204», 404 или список."),
            examples=["2**", ["200-204", 404]],
        ),
    ] = ("2**",)
    ignore: Annotated[
        _Ignored,
        about(
            ("Ignore", "Statuses that are success whatever the answer says, such as 404 or 409."),
            ("Не считать ошибкой", "Статусы, которые считаются успехом, что бы ни было в ответе: 404, 409."),
            examples=[[404, 409]],
        ),
    ] = ()
    success_when: Annotated[
        LateExpression | None,
        about(
            ("Success when", "What must be true of an answer with a success status; `$.response` is the answer."),
            ("Успех, если", "Что должно быть верно для ответа с успешным статусом; `$.response` — сам ответ."),
            examples=["{{ $.response.body.ok }}"],
        ),
    ] = None
    fail_when: Annotated[
        LateExpression | None,
        about(
            ("Failure when", "What makes an answer with a success status a failure that stays."),
            ("Ошибка, если", "Что делает ответ с успешным статусом окончательной ошибкой."),
            examples=["{{ $.response.body.error | default(false) }}"],
        ),
    ] = None
    retry_when: Annotated[
        LateExpression | None,
        about(
            ("Retry when", "What makes an answer, whatever its status, a failure that passes."),
            ("Повторить, если", "Что делает ответ с любым статусом временной ошибкой."),
            examples=["{{ $.response.body.code | default('') == 'retry_later' }}"],
        ),
    ] = None
    retry_after: Annotated[
        LateExpression | None,
        about(
            ("Retry after", "How many seconds the answer asks to wait; empty or null is no wish."),
            ("Повторить через", "Сколько секунд ответ просит подождать; пусто или null — не просит."),
            examples=["{{ $.response.body.parameters.retry_after | default('') }}"],
        ),
    ] = None
    reason: Annotated[
        LateTemplate | None,
        about(
            ("Reason", "What a failure says in place of the answer's text."),
            ("Причина", "Что написать в ошибке вместо текста ответа."),
            examples=["{{ $.response.body.description | default('') }}"],
        ),
    ] = None
    auth: Annotated[
        Auth | None,
        about(
            ("Authentication", "Basic or bearer; becomes the header Authorization."),
            ("Авторизация", "Логин и пароль или токен; станет заголовком Authorization."),
        ),
    ] = None
    timeouts: Annotated[
        Timeouts,
        about(("Timeouts", "How long single waits may take."), ("Время ожидания", "Сколько длится каждое ожидание.")),
    ] = Timeouts()
    redirects: Annotated[
        Literal["off", "same_origin", "all"],
        about(
            ("Redirects", "Whether they are followed; other origins get no headers of yours."),
            ("Перенаправления", "Следовать ли им; чужим адресам ваши заголовки не уходят."),
        ),
    ] = "off"
    max_redirects: Annotated[
        int,
        Field(ge=1, le=20),
        about(
            ("Most redirects", "How many are followed, one after the other."),
            ("Сколько перенаправлений", "Сколько перенаправлений подряд выполнять."),
        ),
    ] = 5
    extract: Annotated[
        Mapping[str, str],
        AfterValidator(checked_paths),
        about(
            ("Extract", "Names and JSONPaths into the answer's body; the values are in the result's `extracted`."),
            ("Извлечь", "Имена и пути JSONPath в теле ответа; значения будут в `extracted` результата."),
            examples=[{"token": "$.access_token"}],
        ),
    ] = {}
    max_answer: Annotated[
        Size,
        about(
            ("Longest answer", "Reading stops there; a longer answer is kept as text, with `cut` in the result."),
            ("Длина ответа", "Дальше ответ не читается: останется текст, и в результате появится `cut`."),
        ),
    ] = 1_000_000
    idempotency_key: Annotated[
        bool,
        about(
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
