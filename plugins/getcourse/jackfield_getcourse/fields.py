"""Fields: what GetCourse knows of a user or an order, with the placeholder that asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from jackfield import EventField


def placeholder(variable: str) -> str:
    """Return what GetCourse replaces by the value of a variable of the process's object."""
    return f"{{object.{variable}}}"


def _field(name: str, english: str, russian: str, example: str, variable: str | None = None) -> EventField:
    return EventField(name, {"en": english, "ru": russian}, example, placeholder(variable or name))


def _utm(part: str, example: str) -> EventField:
    """Describe a UTM tag of the session in which the user was created."""
    name = f"utm_{part}"
    return _field(name, name, name, example, f"create_session.{name}")


USER: Final = (
    _field("id", "User's id", "ID пользователя", "184467440"),
    _field("email", "E-mail", "Эл. почта", "anna.petrova@example.ru"),
    _field("phone", "Phone", "Телефон", "+7 916 123-45-67"),
    _field("first_name", "First name", "Имя", "Анна"),
    _field("last_name", "Last name", "Фамилия", "Петрова"),
    _field("city", "City", "Город", "Санкт-Петербург"),
    _field("created_at", "Created at", "Дата создания", "2026-03-14 09:26:53"),
    _field("personal_manager", "Personal manager", "Персональный менеджер", ""),
    _field("personal_manager_email", "Personal manager's e-mail", "Эл. почта персонального менеджера", ""),
    _utm("source", "vk"),
    _utm("medium", "cpc"),
    _utm("campaign", "весна-2026"),
    _utm("content", "banner 1"),
    _utm("term", ""),
    _utm("group", ""),
)
"""A user's fields, in the order in which the address asks for them."""


def _buyer(name: str, english: str, russian: str, example: str) -> EventField:
    return _field(f"user_{name}", f"Buyer's {english}", f"Покупатель: {russian}", example, f"user.{name}")


def _moment(name: str, english: str, russian: str, example: str) -> EventField:
    """Describe a time that the placeholder asks for in one format, in the school's own time, without a zone."""
    return _field(name, english, russian, example, f"{name} format='Y-m-d H:i:s'")


def _deal_utm(part: str, example: str) -> EventField:
    """Describe a UTM tag of the order."""
    name = f"deal_utm_{part}"
    return _field(name, name, name, example)


ORDER: Final = (
    _field("id", "Order's id", "ID заказа", "271828182"),
    _field("number", "Order's number", "Номер заказа", "1017"),
    _field("positions", "Names of the offers", "Названия предложений", "Курс «Весна»"),
    _field("offers", "Ids of the offers", "ID предложений", "314159"),
    _field("cost_money_value", "Cost without spaces", "Стоимость без пробелов", "24900"),
    _field("cost_money", "Cost as it is shown", "Стоимость с пробелами", "24 900"),
    _field("left_cost_money", "Left to pay", "Осталось оплатить", "24 900"),
    _field("payed_money", "Paid", "Оплачено", "0"),
    _field("status", "Status", "Статус", "Новый"),
    _field("payment_link", "Payment link", "Ссылка на оплату", "https://school.getcourse.ru/pay?id=1&hash=abc"),
    _field("promocode", "Promo code", "Промокод", ""),
    _field("manager", "Manager", "Менеджер", ""),
    _field("manager_email", "Manager's e-mail", "Эл. почта менеджера", ""),
    _field("manager_phone", "Manager's phone", "Телефон менеджера", ""),
    _buyer("id", "id", "ID", "184467440"),
    _buyer("email", "e-mail", "эл. почта", "anna.petrova@example.ru"),
    _buyer("phone", "phone", "телефон", "+7 916 123-45-67"),
    _buyer("first_name", "first name", "имя", "Анна"),
    _buyer("last_name", "last name", "фамилия", "Петрова"),
    _deal_utm("source", "vk"),
    _deal_utm("medium", "cpc"),
    _deal_utm("campaign", "весна-2026"),
    _deal_utm("content", "banner 1"),
    _deal_utm("term", ""),
    _moment("created_at", "Created at", "Дата создания", "2026-03-14 09:26:53"),
    _moment("payed_at", "Paid at", "Дата оплаты", ""),
)
"""An order's fields, in the order in which the address asks for them."""

_PAID: Final = {
    "left_cost_money": "0",
    "payed_money": "24 900",
    "status": "Завершён",
    "payed_at": "2026-03-14 10:02:11",
}

PAID_ORDER: Final = tuple(replace(field, example=_PAID.get(field.name, field.example)) for field in ORDER)
"""The same fields, as they are once the order is paid."""
