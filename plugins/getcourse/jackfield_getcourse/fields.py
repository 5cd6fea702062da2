"""Fields: what GetCourse knows of a user, with the placeholder that asks for it."""

from __future__ import annotations

from typing import Final

from jackfield import Field


def placeholder(variable: str) -> str:
    """Return what GetCourse replaces by the value of a variable of the process's object."""
    return f"{{object.{variable}}}"


def _field(name: str, english: str, russian: str, example: str, variable: str | None = None) -> Field:
    return Field(name, {"en": english, "ru": russian}, example, placeholder(variable or name))


def _utm(part: str, example: str) -> Field:
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
