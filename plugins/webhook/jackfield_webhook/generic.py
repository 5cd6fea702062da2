"""The source `webhook.generic`: a webhook of any sender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

from pydantic import AfterValidator
from pydantic_core import to_json

from jackfield import (
    Event,
    JackfieldError,
    JsonObject,
    JsonPath,
    JsonValue,
    Malformed,
    OptionsModel,
    Text,
    WebhookRequest,
    WebhookSource,
    declared_charset,
    option,
)
from jackfield_webhook.content import read_body, read_query
from jackfield_webhook.cors import cors_headers, read_origin
from jackfield_webhook.token import Anyone
from jackfield_webhook.verification import SENDERS, PresetVerify, TokenVerify, Verify

_MOST_EVENTS: Final = 10_000


def _path(text: str) -> str:
    try:
        JsonPath(text)
    except JackfieldError as error:
        raise ValueError(f"{error}; write names in other letters as $['имя'][*]") from None
    return text


def _charset(name: str) -> str:
    codec = declared_charset(f"text/plain; charset={name}")
    if codec == "utf-8" and name.lower().replace("_", "-") not in {"utf-8", "utf8"}:
        raise ValueError(f"{name!r} is not a charset that is known here")
    return codec


Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class GenericOptions(OptionsModel):
    """How a pipeline takes the calls of any sender."""

    verify: Verify = option(
        ("Verification", 'How the sender is known: "none", a preset, a signature or a token.'),
        ("Проверка", "Как узнаётся отправитель: «none», готовый способ, подпись или токен."),
        examples=[{"preset": "github", "secret": "{{ secret.GITHUB }}"}],
    )
    methods: tuple[Method, ...] = option(
        ("Methods", "The request methods that are accepted."),
        ("Методы", "Какие методы запросов принимаются."),
        default=("POST",),
        min_length=1,
    )
    query: Literal["merge", "apart", "ignore"] = option(
        ("Query", "What becomes of the address's parameters: beside the body's values, apart in `query`, or nothing."),
        ("Параметры адреса", "Куда идут параметры адреса: к значениям тела, отдельно в `query` или никуда."),
        default="merge",
    )
    charset: Annotated[str, AfterValidator(_charset)] = option(
        ("Charset", "The charset of text where the sender declares none."),
        ("Кодировка", "Кодировка текста, если отправитель её не указал."),
        default="utf-8",
        examples=["windows-1251"],
    )
    split: Annotated[str, AfterValidator(_path)] | None = option(
        ("Split", "A JSONPath: each value that it selects is an event of its own."),
        ("Разделить", "JSONPath: каждое выбранное им значение становится отдельным событием."),
        default=None,
        examples=["$.items[*]"],
    )
    delivery_id: str = option(
        (
            "Delivery id",
            'The header with the id of a delivery, by which repeats are known; "preset" is that of the preset.',
        ),
        (
            "Номер доставки",
            "Заголовок с номером доставки, по которому узнаются повторы; «preset» — как у проверяемого отправителя.",
        ),
        default="preset",
        pattern=r"^[A-Za-z0-9_-]+$",
        examples=["X-Request-Id", "off"],
    )
    cors: tuple[Annotated[str, AfterValidator(read_origin)], ...] = option(
        ("CORS", 'Sites whose pages may call from a browser; "*" is all of them.'),
        ("CORS", "Сайты, со страниц которых можно вызывать из браузера; «*» — любые."),
        default=(),
        examples=[["https://school.ru"]],
    )


class Generic(WebhookSource[GenericOptions]):
    """Reads a request of any sender: JSON, a form, multipart, XML, text or a mere query.

    One request is one event, or as many as `split` makes of it.
    """

    name: ClassVar[str] = "webhook.generic"
    title: ClassVar[Text] = {"en": "Webhook of any sender", "ru": "Вебхук любого отправителя"}
    description: ClassVar[Text] = {
        "en": "Takes JSON, forms, XML or text from any service, and checks its signature.",
        "ru": "Принимает JSON, формы, XML и текст от любого сервиса и проверяет подпись.",
    }
    Options: ClassVar[type[OptionsModel]] = GenericOptions
    instructions: ClassVar[Sequence[Text]] = (
        {
            "en": "Paste the address where the sender asks for the address of a webhook.",
            "ru": "Вставьте адрес там, где отправитель просит адрес вебхука.",
        },
        {
            "en": "If the sender signs its calls or shows a token, put that secret into the pipeline's `verify`.",
            "ru": "Если отправитель подписывает вызовы или предъявляет токен, впишите этот секрет в `verify`.",
        },
        {
            "en": "Let the sender make a test call and look for the run in the journal.",
            "ru": "Отправьте пробный вызов и найдите операцию в журнале.",
        },
    )

    def __init__(self, options: GenericOptions) -> None:
        super().__init__(options)
        self.methods = frozenset(options.methods)  # type: ignore[misc]  # of this pipeline, as the option says
        self._check = Anyone() if options.verify == "none" else options.verify.check()
        self._split = JsonPath(options.split) if options.split else None
        self._token_parameter = options.verify.query if isinstance(options.verify, TokenVerify) else ""

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` unless the request passes the option `verify`."""
        self._check.verify(request)

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        """Read the request into its events. Raises `Malformed`."""
        data = read_body(request, self.options.charset)
        key = self._delivery(request, data)
        data = self._with_query(request, data)
        if self._split is None:
            return (_event(data, key),)
        try:
            values = self._split.find(data)
        except JackfieldError as error:  # it sorts or calculates what it cannot, or there is too much to look through
            raise Malformed(f"The option split cannot be used on this call: {error}.") from None
        if len(values) > _MOST_EVENTS:
            raise Malformed(f"The option split makes {len(values)} events of this call; {_MOST_EVENTS} is the most.")
        return [_event(_object(value), key and f"{key}/{index}") for index, value in enumerate(values)]

    def confidential(self) -> frozenset[str]:
        """Name the header or parameter that carries a token."""
        verify = self.options.verify
        return frozenset() if verify == "none" else verify.confidential()

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        """Return a request with these values as JSON, or in the query of a GET, signed as the sender would."""
        methods = self.options.methods
        method = "POST" if "POST" in methods else methods[0]
        if method == "GET":
            return self._check.signed(WebhookRequest(method=method, query=as_form(values)))
        headers = (("content-type", "application/json"),)
        return self._check.signed(WebhookRequest(method=method, headers=headers, body=to_json(dict(values))))

    def reply_headers(self, request: WebhookRequest) -> Sequence[tuple[str, str]]:
        """Allow the pages of the sites in the option `cors` to call and to read the answer."""
        return cors_headers(request, self.options.cors, self.methods)

    def _with_query(self, request: WebhookRequest, data: JsonObject) -> JsonObject:
        if self.options.query == "ignore":
            return data
        query = read_query(request, self.options.charset)
        query.pop(self._token_parameter, None)
        return {**query, **data} if self.options.query == "merge" else {**data, "query": query}

    def _delivery(self, request: WebhookRequest, data: JsonObject) -> str | None:
        wanted, verify = self.options.delivery_id, self.options.verify
        if wanted == "off":
            return None
        if wanted != "preset":
            return request.header(wanted)
        if not isinstance(verify, PresetVerify):
            return None
        sender = SENDERS[verify.preset]
        if sender.id_header:
            return request.header(sender.id_header)
        value = data.get(sender.id_member) if sender.id_member else None
        return str(value) if isinstance(value, str | int) else None


def as_form(values: Mapping[str, JsonValue]) -> str:
    """Write values as a form, those that are no text as JSON."""
    texts: dict[str, Any] = {
        name: value if isinstance(value, str) else to_json(value).decode() for name, value in values.items()
    }
    return urlencode(texts, quote_via=quote)


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {"value": value}


def _event(data: JsonObject, key: str | None) -> Event:
    return Event(data, frozenset(name for name, value in data.items() if value is None or value == ""), key=key)
