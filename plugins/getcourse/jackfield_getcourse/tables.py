"""Tables: the parts of an import, as GetCourse's API names their keys."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict

from jackfield import JsonValue, option

_Text: TypeAlias = str | None
_Scalar: TypeAlias = bool | int | float | str | None


class _Table(BaseModel):
    """A table of the import: these keys are checked, and any other goes to GetCourse as it is."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True)


class User(_Table):
    """The user, or an order's buyer."""

    email: Annotated[_Text, option(("E-mail", "The user's e-mail."), ("Эл. почта", "Эл. почта пользователя."))] = None
    phone: Annotated[_Text, option(("Phone", "The user's phone."), ("Телефон", "Телефон пользователя."))] = None
    first_name: Annotated[_Text, option(("First name", "The first name."), ("Имя", "Имя пользователя."))] = None
    last_name: Annotated[_Text, option(("Last name", "The last name."), ("Фамилия", "Фамилия пользователя."))] = None
    city: Annotated[_Text, option(("City", "The user's city."), ("Город", "Город пользователя."))] = None
    country: Annotated[_Text, option(("Country", "The user's country."), ("Страна", "Страна пользователя."))] = None
    group_name: Annotated[
        list[str | list[str]] | None,
        option(
            ("Groups", "Names of groups, or pairs of a name and a date."),
            ("Группы", "Названия групп или пары из названия и даты."),
            examples=[["Весна", ["Клуб", "2026-05-01 21:21"]]],
        ),
    ] = None
    addfields: Annotated[
        dict[str, JsonValue] | None,
        option(
            ("Custom fields", "Values by the title of the field."),
            ("Дополнительные поля", "Значения по названию поля."),
        ),
    ] = None


class System(_Table):
    """What GetCourse is to do."""

    refresh_if_exists: Annotated[
        bool | None,
        option(
            ("Refresh", "Whether a user who exists is refreshed."),
            ("Обновлять", "Обновлять ли пользователя, который уже есть."),
        ),
    ] = None
    partner_email: Annotated[
        _Text, option(("Partner's e-mail", "The e-mail of the partner."), ("Эл. почта партнёра", "Эл. почта партнёра."))
    ] = None
    multiple_offers: Annotated[
        bool | None,
        option(
            ("Several offers", "GetCourse's `multiple_offers`."), ("Несколько предложений", "Параметр multiple_offers.")
        ),
    ] = None
    return_payment_link: Annotated[
        bool | None,
        option(
            ("Payment link", "Whether the result has the link to pay by."),
            ("Ссылка на оплату", "Вернуть ли ссылку на оплату."),
        ),
    ] = None


class Session(_Table):
    """Where the user came from."""

    utm_source: Annotated[_Text, option(("utm_source", "UTM tag."), ("utm_source", "UTM-метка."))] = None
    utm_medium: Annotated[_Text, option(("utm_medium", "UTM tag."), ("utm_medium", "UTM-метка."))] = None
    utm_content: Annotated[_Text, option(("utm_content", "UTM tag."), ("utm_content", "UTM-метка."))] = None
    utm_campaign: Annotated[_Text, option(("utm_campaign", "UTM tag."), ("utm_campaign", "UTM-метка."))] = None
    utm_group: Annotated[_Text, option(("utm_group", "UTM tag."), ("utm_group", "UTM-метка."))] = None
    gcpc: Annotated[_Text, option(("gcpc", "GetCourse's `gcpc`."), ("gcpc", "Параметр gcpc."))] = None
    gcao: Annotated[_Text, option(("gcao", "GetCourse's `gcao`."), ("gcao", "Параметр gcao."))] = None
    referer: Annotated[_Text, option(("Referer", "The page before."), ("Источник", "Предыдущая страница."))] = None


class Deal(_Table):
    """The order."""

    deal_number: Annotated[str | int | None, option(("Number", "The order's number."), ("Номер", "Номер заказа."))] = (
        None
    )
    offer_code: Annotated[
        str | int | None, option(("Offer", "The code of the offer."), ("Предложение", "Код предложения."))
    ] = None
    product_title: Annotated[_Text, option(("Product", "Its title."), ("Продукт", "Название продукта."))] = None
    quantity: Annotated[int | str | None, option(("Quantity", "How many."), ("Количество", "Сколько."))] = None
    deal_cost: Annotated[_Scalar, option(("Cost", "What the order costs."), ("Стоимость", "Стоимость заказа."))] = None
    deal_is_paid: Annotated[_Scalar, option(("Paid", "Whether it is paid."), ("Оплачен", "Оплачен ли заказ."))] = None
    deal_status: Annotated[_Text, option(("Status", "The order's status."), ("Статус", "Статус заказа."))] = None
