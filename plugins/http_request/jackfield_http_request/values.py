"""The kinds of values that options of `http_request` take."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr

import jackfield
from jackfield import Duration, JsonValue
from jackfield_http_request.answers.outcome import read_ignored, read_patterns
from jackfield_http_request.pairs import Pairs, read_pairs

CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What a header's value must not contain."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})


def _credential(secret: SecretStr) -> SecretStr:
    if CONTROL.search(secret.get_secret_value()):
        raise ValueError("must be one line without control characters (does the secret end with a line break?)")
    return secret


Credential: TypeAlias = Annotated[SecretStr, AfterValidator(_credential)]
"""A secret that goes into a header."""


def _method(text: str) -> str:
    method = text.strip().upper()
    if not _TOKEN.fullmatch(method):
        raise ValueError("is not a request method: write GET, POST, PUT, PATCH, DELETE or another single word")
    if method == "CONNECT":
        raise ValueError("CONNECT is only for proxies")
    return method


def _without_login(value: object) -> object:
    if isinstance(value, str) and re.match(r"\s*https?://[^/?#]*@", value, re.IGNORECASE):
        raise ValueError("must not contain a user and a password: put them into auth.basic")
    return value


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
_Statuses: TypeAlias = str | int | list[str | int]

Method: TypeAlias = Annotated[str, AfterValidator(_method)]
Url: TypeAlias = Annotated[jackfield.Url, BeforeValidator(_without_login)]
Wait: TypeAlias = Annotated[Duration, AfterValidator(_positive)]
Fields: TypeAlias = Annotated[Pairs, BeforeValidator(read_pairs, json_schema_input_type=_Table)]
HeaderName: TypeAlias = Annotated[str, AfterValidator(_header_name)]
Headers: TypeAlias = Annotated[
    tuple[tuple[HeaderName, Annotated[str, AfterValidator(_header_value)]], ...],
    BeforeValidator(read_pairs, json_schema_input_type=_Table),
]
Patterns: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(read_patterns, json_schema_input_type=_Statuses)]
Ignored: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(read_ignored, json_schema_input_type=_Statuses)]
