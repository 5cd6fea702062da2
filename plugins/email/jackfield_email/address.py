"""A mail address with the name of who it belongs to, checked so strictly that it can harm no header and no command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Self, TypeAlias

from pydantic import BeforeValidator, InstanceOf
from pydantic_core import PydanticKnownError

_ADDRESS: Final = re.compile(r"(?P<name>[^<>]*)<(?P<named>[^<>]*)>|(?P<bare>[^<>]*)")
_LOCAL_PART: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_LOCAL_PART: Final = 64  # RFC 5321, section 4.5.3.1
_LONGEST_DOMAIN: Final = 253


@dataclass(frozen=True, slots=True)
class Address:
    """One address: `mailbox` is ASCII as a server takes it, its domain in Punycode; `name` may be empty."""

    mailbox: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `anna@example.ru` or `Анна Петрова <anna@example.ru>`. Raises ValueError."""
        match = None if _CONTROL.search(text.strip()) else _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise ValueError('must be one address on one line, such as "anna@example.ru" or "Anna <anna@example.ru>"')
        name = (match["name"] or "").strip()
        if len(name) > 1 and name[0] == name[-1] == '"':
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        return cls(_mailbox((match["named"] or match["bare"] or "").strip()), name)

    @property
    def domain(self) -> str:
        """Return what stands behind the @."""
        return self.mailbox.rpartition("@")[2]


def _mailbox(text: str) -> str:
    local, _, domain = text.rpartition("@")
    ascii_domain = _in_ascii(domain)
    if len(local) > _LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        raise ValueError("is not one mail address: write name@domain, the name in Latin letters, and each by itself")
    return f"{local}@{ascii_domain}"


def _in_ascii(domain: str) -> str:
    """Return a domain in Punycode, empty if it cannot be one."""
    try:
        found = domain.encode("idna").decode("ascii") if len(domain) <= _LONGEST_DOMAIN else ""
    except UnicodeError:
        return ""
    return found if len(found) <= _LONGEST_DOMAIN else ""


def _read_one(value: object) -> object:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return Address.parse(value)


def _read_some(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneAddress: TypeAlias = Annotated[InstanceOf[Address], BeforeValidator(_read_one, json_schema_input_type=str)]
SomeAddresses: TypeAlias = Annotated[
    tuple[OneAddress, ...], BeforeValidator(_read_some, json_schema_input_type=str | list[str])
]
