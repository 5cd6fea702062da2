"""Notices as a call to an address of the operator's choice, in a shape that Telegram's bots take, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, Literal

import httpx
from pydantic import SecretStr, field_validator

from jackfield import (
    DestinationRefused,
    JsonValue,
    Notice,
    Notifier,
    OptionsModel,
    PermanentFailure,
    TemporaryFailure,
    UrlTemplate,
    option,
)

_TELEGRAM_LIMIT: Final = 4096  # characters of a message's text, says Telegram's Bot API
_LONGEST_ANSWER: Final = 300  # bytes that are shown; of a longer one none, for half a secret would not be masked
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_WAIT: Final = timedelta(days=1)
_TEMPORARY: Final = frozenset({408, 425, 429, *range(500, 600)})


class WebhookNotifierOptions(OptionsModel):
    """The options of `[notices.webhook]`."""

    url: Annotated[SecretStr, UrlTemplate()] = option(
        ("Address", "Where notices are sent by POST. It is kept secret, for it may hold a token."),
        ("Адрес", "Куда отправлять уведомления методом POST. Хранится в секрете: адрес может содержать токен."),
    )
    format: Literal["full", "telegram"] = option(
        (
            "Format",
            '"full" sends all that is known; "telegram" only `text`, no longer than Telegram takes, and `fields`.',
        ),
        ("Формат", "«full» — всё, что известно; «telegram» — только `text`, не длиннее допустимого, и `fields`."),
        default="full",
    )
    fields: Mapping[str, JsonValue] = option(
        ("Fields", "What is added to the JSON object that is sent, such as `chat_id`."),
        ("Поля", "Что добавить в отправляемый объект JSON, например `chat_id`."),
        default={},
    )
    headers: Mapping[str, SecretStr] = option(
        ("Headers", "Headers of the request, such as `Authorization`. Their values are kept secret."),
        ("Заголовки", "Заголовки запроса, например `Authorization`. Их значения хранятся в секрете."),
        default={},
    )

    @field_validator("url")
    @classmethod
    def _address(cls, url: SecretStr) -> SecretStr:
        try:
            parts = httpx.URL(url.get_secret_value())
        except httpx.InvalidURL:
            raise ValueError("is not an address: it must begin with http:// or https:// and a host") from None
        if parts.scheme not in {"http", "https"} or not parts.host:
            raise ValueError("is not an address: it must begin with http:// or https:// and a host")
        return url

    @field_validator("headers")
    @classmethod
    def _lines(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
                raise ValueError(f"{name!r} cannot be a header's name: Latin letters, digits and hyphens only")
            text = value.get_secret_value()
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the value of {name} must be one line of ASCII characters")
        return headers


class WebhookNotifier(Notifier[WebhookNotifierOptions]):
    """Sends each notice as one JSON object by POST."""

    name = "webhook"
    title = {"en": "Webhook", "ru": "Вебхук"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Tells the operator by a request to any address, for example a Telegram bot.",
        "ru": "Уведомляет оператора запросом на любой адрес, например боту Telegram.",
    }
    Options = WebhookNotifierOptions

    async def notify(self, notice: Notice) -> None:
        """Send the notice; an answer of 408, 425, 429 or 5xx is worth another try, any other failure is not."""
        options = self.options
        headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        body = self._body(notice)
        url = options.url.get_secret_value()
        try:
            async with self.context.http.stream("POST", url, json=body, headers=headers) as answer:
                said = await _beginning(answer)
        except DestinationRefused as error:
            raise PermanentFailure(str(error)) from None
        except httpx.InvalidURL:  # httpx looks at where a redirect leads
            raise PermanentFailure("the address answered with a redirect to what is no web address") from None
        except httpx.TransportError as error:
            raise TemporaryFailure(f"the address cannot be reached: {error}") from None
        if answer.status_code in _TEMPORARY:
            raise TemporaryFailure(_reason(answer, said), retry_after=_retry_after(answer))
        if not answer.is_success:
            raise PermanentFailure(_reason(answer, said))

    def _body(self, notice: Notice) -> dict[str, JsonValue]:
        text = f"{notice.subject}\n\n{notice.text}"
        if self.options.format == "telegram":
            return {"text": text[:_TELEGRAM_LIMIT], **self.options.fields}
        return {
            "text": text,
            "kind": notice.kind.value,
            "pipeline": notice.pipeline,
            "subject": notice.subject,
            "count": notice.count,
            "link": notice.link,
            "at": notice.at.isoformat(),
            **self.options.fields,
        }


async def _beginning(answer: httpx.Response) -> bytes:
    """Read as much of the answer's body as is needed to tell whether it can be shown."""
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            break
    return bytes(content)


def _reason(answer: httpx.Response, body: bytes) -> str:
    text = "" if len(body) > _LONGEST_ANSWER else " ".join(body.decode("utf-8", "replace").split())
    said = _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)
    status = answer.status_code
    return f"the address answered {status}: {said}" if said else f"the address answered {status}"


def _retry_after(answer: httpx.Response) -> timedelta | None:
    """Read how long the receiver asks to wait: Retry-After, as seconds or as a date."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:6])), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)
