"""The options that say how to reach a mail server, and what they come to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from jackfield import Duration, OptionsModel, ProjectFile, UrlTemplate, option
from jackfield_email.address import Address, OneAddress
from jackfield_email.server import OneServer, Tls

_PORTS: Final[dict[Tls, int]] = {"starttls": 587, "tls": 465, "none": 25}
_PEM: Final = "-----BEGIN"


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return value


class ConnectionOptions(OptionsModel):
    """The mail server and the sender: what the notifier and the action have in common."""

    server: Annotated[
        OneServer,
        UrlTemplate(),
        option(
            (
                "Server",
                (
                    "smtp://user@host:587 (STARTTLS) or smtps://user@host:465 (TLS from the start). "
                    "Without a user there is no login."
                ),
            ),
            (
                "Сервер",
                (
                    "smtp://user@host:587 (STARTTLS) или smtps://user@host:465 (TLS сразу). "
                    "Без имени пользователя входа не будет."
                ),
            ),
            examples=["smtp://robot@smtp.example.ru:587"],
        ),
    ]
    password: Annotated[
        SecretStr | None,
        option(
            ("Password", 'The password of the server\'s user. Best a secret: "{{ secret.NAME }}".'),
            ("Пароль", "Пароль пользователя сервера. Лучше из секретов: «{{ secret.NAME }}»."),
        ),
    ] = None
    tls: Annotated[
        Tls | None,
        option(
            (
                "Encryption",
                (
                    '"starttls", "tls" or "none". Without it the server\'s address decides; '
                    '"none" sends everything in the clear, the password as well.'
                ),
            ),
            (
                "Шифрование",
                (
                    "«starttls», «tls» или «none». Если не указано, решает адрес сервера; "
                    "«none» передаёт всё открыто, и пароль тоже."
                ),
            ),
        ),
    ] = None
    ca: Annotated[
        str | None,
        ProjectFile(text=_PEM),
        option(
            (
                "Authorities",
                "What to trust instead of the system's: a PEM file in the project folder, or PEM text.",
            ),
            ("Сертификаты", "Каким центрам доверять вместо системных: файл PEM в папке проекта или сам текст PEM."),
        ),
    ] = None
    wait: Annotated[
        Duration,
        AfterValidator(_positive),
        option(
            ("Wait", "How long to wait for the connection, and for each answer of the server."),
            ("Ожидание", "Сколько ждать соединения и каждого ответа сервера."),
        ),
    ] = timedelta(seconds=20)
    from_: Annotated[
        OneAddress | None,
        Field(alias="from"),
        option(
            ("From", "The sender's address. Without it, the server's user if that is an address."),
            ("От кого", "Адрес отправителя. Если не указан, то имя пользователя сервера, когда это адрес."),
            examples=["Школа <robot@example.ru>"],
        ),
    ] = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.server.user and self.password is None:
            raise ValueError("password is required where server names a user")
        if self.password is not None and not self.server.user:
            raise ValueError("server must name the user whose password this is: smtp://user@host:587")
        if self.from_ is None:
            try:
                Address.parse(self.server.user)
            except ValueError:
                raise ValueError("from is required, for the server's user is no mail address") from None
        return self

    @property
    def sender(self) -> Address:
        """Return whom the mail is from."""
        return self.from_ or Address.parse(self.server.user)

    @property
    def encryption(self) -> Tls:
        """Return how the connection is encrypted."""
        return self.tls or self.server.tls

    @property
    def port(self) -> int:
        """Return the server's port."""
        return self.server.port or _PORTS[self.encryption]

    @property
    def place(self) -> str:
        """Return the server as messages name it."""
        return f"{self.server.host}:{self.port}"

    def trust(self, file: Callable[[str], Path]) -> ssl.SSLContext:
        """Load the certificates to trust; this reads files, which `file` finds.

        Raises OSError and ValueError for a wrong `ca`.
        """
        if self.ca is None:
            return ssl.create_default_context()
        if _PEM in self.ca:
            comments_in_ascii = self.ca.encode("ascii", "replace").decode("ascii")
            return ssl.create_default_context(cadata=comments_in_ascii)
        return ssl.create_default_context(cafile=file(self.ca))
