"""A mail server: where it is, who one is there, and how the connection is encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BeforeValidator, InstanceOf
from pydantic_core import PydanticKnownError

Tls: TypeAlias = Literal["starttls", "tls", "none"]

_SCHEMES: Final[dict[str, Tls]] = {"smtp": "starttls", "smtps": "tls"}
_WRONG: Final = "is not a mail server: write smtp://user@host:587 (STARTTLS) or smtps://user@host:465 (TLS)"


@dataclass(frozen=True, slots=True)
class Server:
    """What a server's URL says. `port` is None where it says nothing; `user` is decoded, empty for no login."""

    tls: Tls
    host: str
    port: int | None
    user: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `smtp://user@host:587`. Raises ValueError, which never repeats the text: it may hold a password."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            raise ValueError(_WRONG) from None
        if parts.password is not None:
            raise ValueError("must not contain a password: give it as password")
        if parts.scheme not in _SCHEMES or not _is_host(parts.hostname) or _has_more(parts) or port == 0:
            raise ValueError(_WRONG)
        return cls(_SCHEMES[parts.scheme], parts.hostname or "", port, unquote(parts.username or ""))


def _is_host(host: str | None) -> bool:
    """Tell whether a name can be looked up at all."""
    try:
        return bool(host) and b" " not in (host or "").encode("idna") and (host or "").isprintable()
    except UnicodeError:
        return False


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.path.strip("/") or parts.query or parts.fragment)


def _read(value: object) -> object:
    if isinstance(value, Server):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return Server.parse(value)


OneServer: TypeAlias = Annotated[InstanceOf[Server], BeforeValidator(_read, json_schema_input_type=str)]
