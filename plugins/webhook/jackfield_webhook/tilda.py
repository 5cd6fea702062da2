"""The source `webhook.tilda`: forms of sites that are made with Tilda."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from jackfield import (
    Event,
    EventField,
    JsonValue,
    OptionsModel,
    Text,
    Unauthorized,
    WebhookRequest,
    WebhookSource,
    option,
)
from jackfield_webhook.content import find_value, octets, read_body, read_query
from jackfield_webhook.generic import as_form
from jackfield_webhook.verification import Secret


class TildaOptions(OptionsModel):
    """How a pipeline takes Tilda's forms."""

    secret: Secret | None = option(
        ("Secret", "A word that every call must carry; calls without it are turned away."),
        ("Секрет", "Слово, которое должен содержать каждый вызов; вызовы без него отклоняются."),
        default=None,
        examples=["{{ secret.TILDA }}"],
    )
    secret_parameter: str = option(
        (
            "Secret's parameter",
            "The address's parameter that carries the secret. Leave it empty to take only the header.",
        ),
        (
            "Параметр секрета",
            "Параметр адреса, в котором приходит секрет. Оставьте пустым, чтобы брать только заголовок.",
        ),
        default="secret",
        pattern=r"^[A-Za-z0-9_.~-]*$",
    )
    secret_header: str = option(
        ("Secret's header", "The header that may carry the secret in place of the parameter."),
        ("Заголовок секрета", "Заголовок, в котором секрет можно передать вместо параметра."),
        default="X-Secret",
        pattern=r"^[A-Za-z0-9_-]+$",
    )


class Tilda(WebhookSource[TildaOptions]):
    """Reads the form that Tilda posts when a visitor has filled it in.

    One request is one event, under the names that the form's fields have in Tilda. The probe that Tilda sends when the
    webhook is connected (`test=test`) is answered 200 and makes no event.
    """

    name: ClassVar[str] = "webhook.tilda"
    title: ClassVar[Text] = {"en": "Tilda: form sent", "ru": "Tilda: отправлена форма"}
    description: ClassVar[Text] = {
        "en": "Tilda sends a form that a visitor has filled in.",
        "ru": "Tilda присылает форму, которую заполнил посетитель.",
    }
    Options: ClassVar[type[OptionsModel]] = TildaOptions
    fields: ClassVar[Sequence[EventField]] = (
        EventField("Name", {"en": "Name", "ru": "Имя"}, "Алексей"),
        EventField("Email", {"en": "E-mail", "ru": "Эл. почта"}, "alex@example.ru"),
        EventField("Phone", {"en": "Phone", "ru": "Телефон"}, "+7 916 123-45-67"),
        EventField("tranid", {"en": "Id of the submission", "ru": "Номер заявки"}, "16757156:7888517302"),
        EventField("formid", {"en": "Id of the form", "ru": "Номер формы"}, "form1467857151"),
    )
    instructions: ClassVar[Sequence[Text]] = (
        {
            "en": "In Tilda, open the site's settings, then «Формы», and add «Webhook».",
            "ru": "В Tilda откройте настройки сайта, раздел «Формы», и добавьте «Webhook».",
        },
        {
            "en": "Paste the address and save: Tilda sends a probe at once, which makes no event.",
            "ru": "Вставьте адрес и сохраните: Tilda сразу отправит пробный запрос, из него события не получается.",
        },
        {
            "en": "Let the site's forms use this webhook, publish the pages, fill in a form and look for the run in "
            "the journal.",
            "ru": "Подключите этот приёмщик к формам сайта, опубликуйте страницы, заполните форму и найдите операцию в "
            "журнале.",
        },
    )

    def __init__(self, options: TildaOptions) -> None:
        super().__init__(options)
        self._secret = options.secret.get_secret_value() if options.secret else ""
        self._parameter = options.secret_parameter if options.secret else ""

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` if a secret is set and the request carries it neither way."""
        if not self._secret:
            return
        header = request.header(self.options.secret_header)
        shown = [] if header is None else [octets(header)]
        if self._parameter:
            shown += find_value(request, self._parameter)
        if not any(hmac.compare_digest(one, self._secret.encode()) for one in shown):
            raise Unauthorized(
                "The call does not carry the pipeline's secret; paste the address that `jackfield address` prints into "
                "Tilda again."
            )

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        """Read the form into one event, none if it is the probe. Raises `Malformed`."""
        data = {**read_query(request, "utf-8"), **read_body(request, "utf-8")}
        if self._parameter:
            data.pop(self._parameter, None)
        if not data or data == {"test": "test"}:
            return ()
        tranid = data.get("tranid")
        blank = frozenset(name for name, value in data.items() if value == "")
        return (Event(data, blank, key=tranid if isinstance(tranid, str) else None),)

    def confidential(self) -> frozenset[str]:
        """Name the secret's parameter and header, if there is a secret."""
        if not self._secret:
            return frozenset()
        return frozenset({self.options.secret_header.lower(), self._parameter.lower()} - {""})

    def address(self, url: str) -> str:
        """Add the secret, if the address carries it."""
        return f"{url}?{self._query()}" if self._parameter else url

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        """Return the form that Tilda would post."""
        headers = [("content-type", "application/x-www-form-urlencoded")]
        if self._secret and not self._parameter:
            headers.append((self.options.secret_header.lower(), self._secret))
        query = self._query() if self._parameter else ""
        return WebhookRequest(query=query, headers=tuple(headers), body=as_form(values).encode())

    def _query(self) -> str:
        return f"{quote(self._parameter)}={quote(self._secret, safe='')}"
