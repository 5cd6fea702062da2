"""The option `verify`: how a sender shows that it is the sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Protocol, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from jackfield import Duration, OptionsModel, WebhookRequest, option
from jackfield_webhook.signature import PIECE, Algorithm, Encoding, Scheme, Signature, read_key
from jackfield_webhook.token import Token

_MINUTES: Final = timedelta(minutes=5)
_PARAMETER: Final = r"^[A-Za-z0-9_.~-]*$"  # no brackets: it must not be a part of the event
_HEADER: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"


@dataclass(frozen=True, slots=True)
class Sender:
    """What is known of a sender: how it signs or which header has its token, and where the delivery's id is."""

    scheme: Scheme | None = None
    shown_in: str = ""
    id_header: str = ""
    id_member: str = ""


SENDERS: Final[Mapping[str, Sender]] = MappingProxyType(
    {
        "github": Sender(Scheme("X-Hub-Signature-256", prefix="sha256="), id_header="X-GitHub-Delivery"),
        "gitlab": Sender(shown_in="X-Gitlab-Token"),
        "shopify": Sender(Scheme("X-Shopify-Hmac-SHA256", encoding="base64"), id_header="X-Shopify-Webhook-Id"),
        "slack": Sender(
            Scheme(
                "X-Slack-Signature",
                "v0:{timestamp}:{body}",
                prefix="v0=",
                timestamp_header="X-Slack-Request-Timestamp",
            )
        ),
        "standard": Sender(
            Scheme(
                "webhook-signature",
                "{id}.{timestamp}.{body}",
                encoding="base64",
                timestamp_header="webhook-timestamp",
                id_header="webhook-id",
                layout="standard",
            ),
            id_header="webhook-id",
        ),
        "stripe": Sender(Scheme("Stripe-Signature", "{timestamp}.{body}", layout="stripe"), id_member="id"),
        "svix": Sender(
            Scheme(
                "svix-signature",
                "{id}.{timestamp}.{body}",
                encoding="base64",
                timestamp_header="svix-timestamp",
                id_header="svix-id",
                layout="standard",
            ),
            id_header="svix-id",
        ),
        "telegram": Sender(shown_in="X-Telegram-Bot-Api-Secret-Token", id_member="update_id"),
    }
)
"""The senders that have a preset."""

Preset: TypeAlias = Literal["github", "gitlab", "shopify", "slack", "standard", "stripe", "svix", "telegram"]


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("is empty and would keep nobody out; give it a value")
    return secret


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_not_empty)]
_Secrets: TypeAlias = Annotated[tuple[Secret, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
_SECRET: Final[Any] = option(
    ("Secret", "The secret that sender and pipeline share; a list while it is being changed."),
    ("Секрет", "Общий секрет отправителя и обработки; список, пока секрет меняется."),
    examples=["{{ secret.WEBHOOK }}"],
    min_length=1,
)
_TOLERANCE: Final[Any] = option(
    ("Tolerance", "How long ago a call may have been signed, where the sender signs the time."),
    ("Допуск", "Как давно вызов мог быть подписан, если отправитель подписывает время."),
    default=_MINUTES,
)


class Check(Protocol):
    """Checks a pipeline's requests."""

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` if the request does not come from the sender."""

    def signed(self, request: WebhookRequest) -> WebhookRequest:
        """Return a sample with the sender's credentials."""


class PresetVerify(OptionsModel):
    """A sender that is known."""

    preset: Preset = option(
        ("Sender", "A sender whose way of signing is known."),
        ("Отправитель", "Отправитель, чей способ подписи известен."),
    )
    secret: _Secrets = _SECRET
    tolerance: Duration = _TOLERANCE

    @model_validator(mode="after")
    def _has_usable_secrets(self) -> Self:
        self.check()
        return self

    def check(self) -> Check:
        """Make the check. Raises ValueError if a secret cannot be one of this sender's."""
        sender = SENDERS[self.preset]
        secrets = _plain(self.secret)
        if sender.scheme is None:
            return Token(secrets, header=sender.shown_in)
        scheme = sender.scheme
        return Signature(scheme, [read_key(scheme, secret) for secret in secrets], self.tolerance)

    def confidential(self) -> frozenset[str]:
        """Name the header that carries the secret itself."""
        return frozenset({SENDERS[self.preset].shown_in.lower()} - {""})


class SignatureVerify(OptionsModel):
    """Any sender that signs with an HMAC."""

    header: str = option(
        ("Header", "The header that carries the signature."),
        ("Заголовок", "Заголовок, в котором приходит подпись."),
        pattern=_HEADER,
    )
    secret: _Secrets = _SECRET
    signed: str = option(
        ("Signed text", "What is signed: {body}, and {timestamp} and {id} of their headers, with text between."),
        ("Что подписано", "Что подписано: {body}, а также {timestamp} и {id} из их заголовков и текст между ними."),
        default="{body}",
    )
    algorithm: Algorithm = option(
        ("Algorithm", "The hash of the HMAC."), ("Алгоритм", "Хеш, на котором построен HMAC."), default="sha256"
    )
    encoding: Encoding = option(
        ("Encoding", "How the signature is written."), ("Кодировка", "Как записана подпись."), default="hex"
    )
    prefix: str = option(
        ("Prefix", "What stands before the signature in its header."),
        ("Приставка", "Что стоит перед подписью в её заголовке."),
        default="",
    )
    timestamp_header: str = option(
        ("Time's header", "The header with the time of signing, in seconds since 1970."),
        ("Заголовок времени", "Заголовок со временем подписи, в секундах с 1970 года."),
        default="",
    )
    id_header: str = option(
        ("Id's header", "The header with the id of the delivery."),
        ("Заголовок номера", "Заголовок с номером доставки."),
        default="",
    )
    tolerance: Duration = _TOLERANCE

    @model_validator(mode="after")
    def _signed_is_complete(self) -> Self:
        pieces = set(PIECE.findall(self.signed))
        if unknown := sorted(pieces - {"body", "timestamp", "id"}):
            raise ValueError(f"signed has {{{unknown[0]}}}; it may have {{body}}, {{timestamp}} and {{id}}")
        if "body" not in pieces:
            raise ValueError("signed must have {body} in it, or anybody could change what is sent")
        if ("timestamp" in pieces) != bool(self.timestamp_header):
            raise ValueError("timestamp_header and {timestamp} in signed go together; give both or none")
        if "id" in pieces and not self.id_header:
            raise ValueError("signed has {id}; say in id_header where it comes from")
        return self

    def check(self) -> Check:
        """Make the check."""
        scheme = Scheme(
            header=self.header,
            signed=self.signed,
            algorithm=self.algorithm,
            encoding=self.encoding,
            prefix=self.prefix,
            timestamp_header=self.timestamp_header,
            id_header=self.id_header,
        )
        return Signature(scheme, [read_key(scheme, secret) for secret in _plain(self.secret)], self.tolerance)

    def confidential(self) -> frozenset[str]:
        """Name nothing: a signature is no secret."""
        return frozenset()


class TokenVerify(OptionsModel):
    """A sender that shows a token."""

    exclusive = at_least_one = (("header", "query", "user"),)

    token: _Secrets = option(
        ("Token", "What the sender shows; a list while it is being changed."),
        ("Токен", "Что предъявляет отправитель; список, пока токен меняется."),
        examples=["{{ secret.WEBHOOK }}"],
        min_length=1,
    )
    header: str = option(
        ("Header", "The header that carries it, as it is or after the word Bearer."),
        ("Заголовок", "Заголовок, в котором он приходит: сам или после слова Bearer."),
        default="",
        min_length=1,
    )
    query: str = option(
        ("Parameter", "The parameter of the address that carries it."),
        ("Параметр", "Параметр адреса, в котором он приходит."),
        default="",
        min_length=1,
        pattern=_PARAMETER,
    )
    user: str = option(
        ("User", "The user of basic authentication, whose password the token is."),
        ("Пользователь", "Пользователь базовой аутентификации, чей пароль — этот токен."),
        default="",
        min_length=1,
    )

    def check(self) -> Check:
        """Make the check."""
        return Token(_plain(self.token), header=self.header, query=self.query, user=self.user)

    def confidential(self) -> frozenset[str]:
        """Name what carries the token."""
        header = "authorization" if self.user else self.header
        return frozenset({header.lower(), self.query.lower()} - {""})


Verify: TypeAlias = Literal["none"] | PresetVerify | SignatureVerify | TokenVerify


def _plain(secrets: tuple[SecretStr, ...]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)
