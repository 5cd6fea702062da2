"""How a request gets to its destination: over a proxy, with authorities to trust, with a certificate of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Self, TypeAlias

import httpx
from pydantic import AfterValidator, BeforeValidator, ConfigDict, model_validator

from jackfield import OptionsModel, ProjectFile, Route, UrlTemplate, option
from jackfield_http_request.values import CONTROL, Credential

ROUTE: Final = "route"
"""The extension of a request in which the host looks for a route."""


def _proxy_url(text: str) -> str:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo:
        raise ValueError("must not contain a user and a password: put them into proxy.username and proxy.password")
    if url.scheme not in {"http", "https"} or not url.host or url.raw_path != b"/":
        raise ValueError("is not a proxy's address: it must be http:// or https:// and a host, and a port if need be")
    return text.strip()


def _read_proxy(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _user(text: str) -> str:
    if not text or ":" in text or CONTROL.search(text):
        raise ValueError("a proxy's user name has no colon and no control characters, and is not empty")
    return text


def _file(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write the path of a file, or leave it out")
    return text


class Proxy(OptionsModel):
    """A proxy, and who the step is to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "description": "Address, user name and password",
            "ru": {"description": "Адрес, имя пользователя и пароль"},
        }
    )

    url: Annotated[
        str,
        UrlTemplate(),
        AfterValidator(_proxy_url),
        option(
            ("Address", "The proxy's address: http:// or https://, without user and password."),
            ("Адрес", "Адрес прокси: http:// или https://, без имени и пароля."),
            examples=["http://proxy.example.ru:3128"],
        ),
    ]
    username: Annotated[
        Annotated[str, AfterValidator(_user)] | None,
        option(
            ("User name", "Who the proxy knows you as."),
            ("Имя пользователя", "Под каким именем вас знает прокси."),
        ),
    ] = None
    password: Annotated[
        Credential | None,
        option(
            ("Password", 'Best a secret: "{{ secret.NAME }}".'), ("Пароль", "Лучше из секретов: «{{ secret.NAME }}».")
        ),
    ] = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; give both or none")
        return self

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password, None if the proxy asks for none."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password.get_secret_value()


_File: TypeAlias = Annotated[str, ProjectFile(), AfterValidator(_file)]


class Tls(OptionsModel):
    """Certificates, each a PEM file; paths are relative to the project folder, and lead nowhere else."""

    at_least_one = (("ca", "cert"),)

    ca: Annotated[
        _File | None,
        option(
            ("Authorities", "A file of certificates to trust in place of the usual ones."),
            ("Удостоверяющие центры", "Файл с сертификатами, которым доверять вместо обычных."),
            examples=["certs/company-ca.pem"],
        ),
    ] = None
    cert: Annotated[
        _File | None,
        option(
            ("Client certificate", "A file with the certificate that the step shows to a destination that asks."),
            ("Сертификат клиента", "Файл с сертификатом, который шаг покажет получателю, если тот попросит."),
            examples=["certs/client.pem"],
        ),
    ] = None
    key: Annotated[
        _File | None,
        option(
            ("Key", "A file with the certificate's key, without a password, if it is not in the same file."),
            ("Ключ", "Файл с ключом сертификата, без пароля, если ключ не в том же файле."),
            examples=["certs/client-key.pem"],
        ),
    ] = None

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.key and not self.cert:
            raise ValueError("key belongs to a certificate; say in cert which")
        return self


ProxyOption: TypeAlias = Annotated[Proxy, BeforeValidator(_read_proxy, json_schema_input_type=str | Proxy)]


def route_of(proxy: Proxy | None, tls: Tls | None) -> Route:
    """Return what the host is told of the two."""
    way = Route(proxy=proxy.url, login=proxy.login) if proxy else Route()
    return replace(way, ca=tls.ca or "", cert=tls.cert or "", key=tls.key or "") if tls else way


def without_certificate(extensions: dict[str, Any]) -> dict[str, Any]:
    """Return the extensions of a request for another origin, which the client's certificate is not for."""
    way = extensions.get(ROUTE)
    return {**extensions, ROUTE: replace(way, cert="", key="")} if isinstance(way, Route) else extensions
