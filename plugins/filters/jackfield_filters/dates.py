"""Dates and times, out of the forms that senders use and into the form that a destination wants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from jackfield_filters.plain import is_blank, plain_text

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[T ][0-9]{2}:.+)?")
_DOTTED: Final = re.compile(
    r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"
    r"(?P<time>,? (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)
_UNIX: Final = re.compile(r"-?[0-9]{9,10}(?:\.[0-9]+)?")


class NotADateError(ValueError):
    """The value is no date in one of the known forms."""


class UnknownZoneError(ValueError):
    """There is no time zone of this name."""


def format_date(value: object, format: str = "", zone: str = "", to: str = "") -> object:
    """Write a date or a time anew: by a `format` as strftime has it, `unix` for seconds, ISO 8601 if there is none.

    Reads ISO 8601, `2026-11-24 12:00:00`, `24.11.2026`, `24.11.2026 12:00` and seconds since 1970. `zone`
    (`Europe/Moscow`) is where a time is that does not say; `to` is where it shall be, the same as `zone` if only that
    is given. A date without a time stays one, in every zone. A value that says nothing is handed on as it came, for
    `default()`. Raises `NotADateError` and `UnknownZoneError`.
    """
    if is_blank(value):
        return value
    moment, here, there = _read(value), _zone(zone), _zone(to or zone)
    if isinstance(moment, datetime):
        moment = _moved(moment, here, there)
    if format == "unix":
        return _seconds(moment)
    return moment.strftime(format) if format else _iso(moment)


def _iso(moment: date) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return moment.isoformat()


def _read(value: object) -> date:
    """Return a datetime, or a date alone where there is no time."""
    text = plain_text(value).strip()
    try:
        if isinstance(value, int | float) or _UNIX.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        if found := _ISO.fullmatch(text):
            return datetime.fromisoformat(text) if found["time"] else date.fromisoformat(text)
        if found := _DOTTED.fullmatch(text):
            return _dotted(found)
    except (ValueError, OverflowError, OSError):
        raise NotADateError("there is no such date") from None
    raise NotADateError("this is not a date such as 2026-11-24, 2026-11-24T12:00:00+03:00 or 24.11.2026 12:00")


def _dotted(found: re.Match[str]) -> date:
    day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    if not found["time"]:
        return day
    return datetime(day.year, day.month, day.day, int(found["hour"]), int(found["minute"]), int(found["second"] or 0))  # noqa: DTZ001 - the zone is the caller's to say


def _moved(moment: datetime, here: ZoneInfo | None, there: ZoneInfo | None) -> datetime:
    if moment.tzinfo is None and here is None:
        if there is not None:
            raise UnknownZoneError("the time does not say in which zone it is; say it with zone")
        return moment
    placed = moment if moment.tzinfo else moment.replace(tzinfo=here)
    try:
        return placed.astimezone(there) if there else placed
    except OverflowError:
        raise NotADateError("there is no such date in that zone") from None


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # OSError: the name is that of a folder, such as Europe
        raise UnknownZoneError("the time zone is unknown; write one such as Europe/Moscow") from None


def _seconds(moment: date) -> int:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise UnknownZoneError("seconds since 1970 need a time and its zone; say it with zone")
    return int(moment.timestamp())
