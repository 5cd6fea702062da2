"""The requests that are sent: GetCourse's call for a new user, about 1 KB each, and nothing equal but the form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

_QUERY: Final = {
    "email": "anna.petrova@example.ru",
    "phone": "+7 999 123-45-67",
    "first_name": "Анна",
    "last_name": "Петрова-Ёлкина",
    "city": "",
    "country": "Россия",
    "created_at": "2026-11-24 10:15:00",
    "utm_source": "vk",
    "utm_medium": "cpc",
    "utm_campaign": "осень 2026",
    "utm_content": "баннер с котом",
    "utm_term": "",
    "comment": "хочу на курс, но сначала расскажите о рассрочке",
}
_HEADERS: Final = (
    "Host: 127.0.0.1\r\n"
    "User-Agent: GetCourse/1.0 (+https://getcourse.example.ru)\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "X-Request-Source: process\r\n"
)


def requests(path: str, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Make `count` requests to a path as they go over the wire, each with the id of its event, from `first` on."""
    query = urlencode(_QUERY)
    for id in range(first, first + count):
        yield id, f"GET {path}?id={id}&{query} HTTP/1.1\r\n{_HEADERS}\r\n".encode()
