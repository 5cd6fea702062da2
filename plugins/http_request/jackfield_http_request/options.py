"""The options of `http_request`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from jackfield import JsonValue, OptionsModel, ResponseExpression, ResponseTemplate, Size, UrlTemplate, option
from jackfield_http_request.answers.extract import checked_paths
from jackfield_http_request.auth.credentials import Auth
from jackfield_http_request.requests.connection import ProxyOption, Tls
from jackfield_http_request.requests.multipart import Part
from jackfield_http_request.values import Fields, Headers, Ignored, Method, Patterns, Url, Wait


class Timeouts(OptionsModel):
    """How long single waits may take; the step's own `timeout` limits all of it together."""

    connect: Annotated[
        Wait,
        option(
            ("Connect", "For the name, the connection and TLS."),
            ("Соединение", "Поиск имени, соединение и TLS."),
        ),
    ] = timedelta(seconds=10)
    read: Annotated[
        Wait,
        option(
            ("Read", "For each next piece of the answer."),
            ("Чтение", "Ожидание каждой следующей части ответа."),
        ),
    ] = timedelta(seconds=30)
    write: Annotated[
        Wait,
        option(
            ("Write", "For each next piece of the body to be taken."),
            ("Отправка", "Приём каждой следующей части тела запроса."),
        ),
    ] = timedelta(seconds=30)


class HttpRequestOptions(OptionsModel):
    """What one request looks like and what its answer has to be."""

    exclusive = (("json", "form", "multipart", "body"),)

    method: Annotated[
        Method,
        option(("Method", "The request's method."), ("Метод", "Метод запроса."), examples=["POST", "GET", "PUT"]),
    ] = "POST"
    url: Annotated[
        Url,
        option(
            ("Address", "Where the request goes: http or https. A query that it has is kept."),
            ("Адрес", "Куда отправить запрос: http или https. Параметры, которые в нём уже есть, остаются."),
            examples=["https://online.bizon365.ru/api/v1/course/student/add"],
        ),
    ]
    query: Annotated[
        Fields,
        option(
            ("Query parameters", "A table or a list of pairs, added to the address. A list repeats the name."),
            ("Параметры адреса", "Таблица или список пар, добавляются к адресу. Список повторяет имя."),
            examples=[{"format": "json", "tags": ["a", "b"]}],
        ),
    ] = ()
    headers: Annotated[
        Headers,
        option(
            ("Headers", "A table or a list of pairs. They replace what would be sent by itself."),
            ("Заголовки", "Таблица или список пар. Они заменяют то, что ушло бы само."),
            examples=[{"X-Token": "{{ secret.BIZON_TOKEN }}"}],
        ),
    ] = ()
    json_: Annotated[
        JsonValue,
        Field(alias="json"),
        option(
            ("JSON body", "Any JSON value."),
            ("Тело JSON", "Любое значение JSON."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ] = None
    form: Annotated[
        Fields,
        option(
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
    multipart: Annotated[
        tuple[Part, ...],
        option(
            ("Multipart body", "A list of parts, sent as multipart/form-data: texts and files."),
            ("Тело multipart", "Список частей, уйдёт как multipart/form-data: тексты и файлы."),
            examples=[[{"name": "file", "filename": "photo.jpg", "base64": "{{ $.event.file.base64 }}"}]],
        ),
    ] = ()
    body: Annotated[
        str | None,
        option(
            ("Text body", "A text or XML, sent as it is, in UTF-8."),
            ("Тело-текст", "Текст или XML, уйдёт как есть, в UTF-8."),
        ),
    ] = None
    omit_empty: Annotated[
        bool,
        option(
            ("Leave out empty values", "Leaves null and empty text out of query, form, multipart and json."),
            ("Убрать пустые значения", "Не передавать null и пустой текст в query, form, multipart и json."),
        ),
    ] = False
    success: Annotated[
        Patterns,
        option(
            ("Success", 'Which statuses are success: "2**", "200-204", 404, or a list of these.'),
            ("Успех", "Какие статусы считать успехом: «2**», «200-204», 404 или список."),
            examples=["2**", ["200-204", 404]],
        ),
    ] = ("2**",)
    ignore: Annotated[
        Ignored,
        option(
            ("Ignore", "Statuses that are success whatever the answer says, such as 404 or 409."),
            ("Не считать ошибкой", "Статусы, которые считаются успехом, что бы ни было в ответе: 404, 409."),
            examples=[[404, 409]],
        ),
    ] = ()
    success_when: Annotated[
        ResponseExpression | None,
        option(
            ("Success when", "What must be true of an answer with a success status; `$.response` is the answer."),
            ("Успех, если", "Что должно быть верно для ответа с успешным статусом; `$.response` — сам ответ."),
            examples=["{{ $.response.body.ok }}"],
        ),
    ] = None
    fail_when: Annotated[
        ResponseExpression | None,
        option(
            ("Failure when", "What makes an answer with a success status a failure that stays."),
            ("Ошибка, если", "Что делает ответ с успешным статусом окончательной ошибкой."),
            examples=["{{ $.response.body.error | default(false) }}"],
        ),
    ] = None
    retry_when: Annotated[
        ResponseExpression | None,
        option(
            ("Retry when", "What makes an answer, whatever its status, a failure that passes."),
            ("Повторить, если", "Что делает ответ с любым статусом временной ошибкой."),
            examples=["{{ $.response.body.code | default('') == 'retry_later' }}"],
        ),
    ] = None
    retry_after: Annotated[
        ResponseExpression | None,
        option(
            ("Retry after", "How many seconds the answer asks to wait; empty or null is no wish."),
            ("Повторить через", "Сколько секунд ответ просит подождать; пусто или null — не просит."),
            examples=["{{ $.response.body.parameters.retry_after | default('') }}"],
        ),
    ] = None
    reason: Annotated[
        ResponseTemplate | None,
        option(
            ("Reason", "What a failure says in place of the answer's text."),
            ("Причина", "Что написать в ошибке вместо текста ответа."),
            examples=["{{ $.response.body.description | default('') }}"],
        ),
    ] = None
    auth: Annotated[
        Auth | None,
        option(
            ("Authentication", "How the request shows who it is: by exactly one way."),
            ("Авторизация", "Как запрос подтверждает, от кого он: одним из способов."),
        ),
    ] = None
    timeouts: Annotated[
        Timeouts,
        option(("Timeouts", "How long single waits may take."), ("Время ожидания", "Сколько длится каждое ожидание.")),
    ] = Timeouts()
    proxy: Annotated[
        ProxyOption | None,
        UrlTemplate(),
        option(
            ("Proxy", "What the request goes through: an address, or a table with url, username and password."),
            ("Прокси", "Через что пойдёт запрос: адрес или таблица с url, username и password."),
            examples=["http://proxy.example.ru:3128"],
        ),
    ] = None
    tls: Annotated[
        Tls | None,
        option(
            ("TLS", "Whose certificates are trusted, and which one the step has itself."),
            ("TLS", "Чьим сертификатам доверять и какой есть у самого шага."),
            examples=[{"ca": "certs/company-ca.pem"}],
        ),
    ] = None
    redirects: Annotated[
        Literal["off", "same_origin", "all"],
        option(
            ("Redirects", "Whether they are followed; other origins get no headers of yours."),
            ("Перенаправления", "Следовать ли им; чужим адресам ваши заголовки не уходят."),
        ),
    ] = "off"
    max_redirects: Annotated[
        int,
        Field(ge=1, le=20),
        option(
            ("Most redirects", "How many are followed, one after the other."),
            ("Сколько перенаправлений", "Сколько перенаправлений подряд выполнять."),
        ),
    ] = 5
    extract: Annotated[
        Mapping[str, str],
        AfterValidator(checked_paths),
        option(
            ("Extract", "Names and JSONPaths into the answer's body; the values are in the result's `extracted`."),
            ("Извлечь", "Имена и пути JSONPath в теле ответа; значения будут в `extracted` результата."),
            examples=[{"token": "$.access_token"}],
        ),
    ] = {}
    max_answer: Annotated[
        Size,
        option(
            ("Longest answer", "Reading stops there; a longer answer is kept as text, with `cut` in the result."),
            ("Длина ответа", "Дальше ответ не читается: останется текст, и в результате появится `cut`."),
        ),
    ] = 1_000_000
    idempotency_key: Annotated[
        bool,
        option(
            ("Idempotency key", "Whether to send Idempotency-Key, the same at every attempt."),
            ("Ключ идемпотентности", "Отправлять ли Idempotency-Key, один и тот же при каждой попытке."),
        ),
    ] = True

    @model_validator(mode="after")
    def _do_not_contradict(self) -> Self:
        for name, _ in self.headers:
            if self.auth and name.lower() == self.auth.header_name:
                raise ValueError(f"give either auth or the header {name}")
            if self.multipart and name.lower() == "content-type":
                raise ValueError(
                    "leave the header Content-Type out: a multipart body has its own, which says its boundary"
                )
        return self
