"""Imports: the options of the actions that write to GetCourse, and the JSON that they become."""

from __future__ import annotations

import json
import re
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr

from jackfield import JsonObject, JsonValue, OptionsModel, UrlTemplate, option
from jackfield_getcourse.tables import Deal, Session, System, User

_ACCOUNT: Final = re.compile(r"[a-z0-9-]+", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?", re.IGNORECASE)


def _origin(text: str) -> str:
    account = text.strip().rstrip("/")
    if _ACCOUNT.fullmatch(account):
        return f"https://{account}.getcourse.ru"
    if _DOMAIN.fullmatch(account):
        return f"https://{account}"
    if _ORIGIN.fullmatch(account):
        return account
    raise ValueError('is not a school: write "school" for school.getcourse.ru, or the school\'s own domain, no path')


def _key(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is empty; take the secret key from the settings of the API in GetCourse")
    return secret


class ImportUserOptions(OptionsModel):
    """Which school, and what to write there."""

    account: Annotated[
        str,
        UrlTemplate(),
        AfterValidator(_origin),
        option(
            ("School", "`school` for school.getcourse.ru, or the school's own domain."),
            ("Школа", "`school` для school.getcourse.ru или собственный домен школы."),
            examples=["school", "online.school.ru"],
        ),
    ]
    key: Annotated[
        SecretStr,
        AfterValidator(_key),
        option(
            ("Key", "The secret key of the school's API."),
            ("Ключ", "Секретный ключ API школы."),
            examples=["{{ secret.GETCOURSE_KEY }}"],
        ),
    ]
    user: Annotated[
        User,
        option(
            ("User", "E-mail, phone, name, city, groups, custom fields (`addfields`)."),
            ("Пользователь", "Эл. почта, телефон, имя, город, группы, дополнительные поля (`addfields`)."),
            examples=[{"email": "{{ $.event.email }}"}],
        ),
    ]
    system: Annotated[
        System | None,
        option(
            ("What to do", "`refresh_if_exists`, `partner_email`, `multiple_offers`, `return_payment_link`."),
            ("Что делать", "`refresh_if_exists`, `partner_email`, `multiple_offers`, `return_payment_link`."),
        ),
    ] = None
    session: Annotated[
        Session | None,
        option(
            ("Session", "UTM tags and where the user came from."), ("Сессия", "UTM-метки и откуда пришёл пользователь.")
        ),
    ] = None


class ImportDealOptions(ImportUserOptions):
    """Which school, whose order, and what is in it."""

    deal: Annotated[
        Deal,
        option(
            ("Order", "`offer_code` or `product_title`, `deal_cost`, `deal_number` and the like."),
            ("Заказ", "`offer_code` или `product_title`, `deal_cost`, `deal_number` и другие поля."),
            examples=[{"offer_code": "spring", "deal_cost": 24900}],
        ),
    ]


def import_json(options: ImportUserOptions) -> bytes:
    """Write the tables as GetCourse's JSON: empty values left out, booleans as 1 and 0.

    Raises ValueError for numbers that JSON cannot hold, and for text that UTF-8 cannot hold.
    """
    value = _kept(options.model_dump(exclude={"account", "key"}))
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _kept(value: JsonObject) -> JsonObject:
    tidy = {name: _tidy(item) for name, item in value.items()}
    return {name: item for name, item in tidy.items() if item not in (None, "", [], {})}


def _tidy(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, dict):
        return _kept(value)
    if isinstance(value, list):
        return [item for item in map(_tidy, value) if item not in (None, "", [], {})]
    return value
