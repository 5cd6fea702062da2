"""Durations, sizes and rates as people write them: "5 s", "2 GB", "7/s".

Each is a type for an options model: it takes the words, gives the value, and describes itself in the schema.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import BeforeValidator, PlainSerializer

_QUANTITY: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")
_RATE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*/\s*([A-Za-z]+)\s*")

_TIMES: Final = {
    "ms": timedelta(milliseconds=1),
    **dict.fromkeys(("s", "sec", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("m", "min", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
}
_BYTES: Final = {
    **dict.fromkeys(("b", "byte", "bytes"), 1),
    "kb": 1000,
    "kib": 1024,
    "mb": 1000**2,
    "mib": 1024**2,
    "gb": 1000**3,
    "gib": 1024**3,
}
_NOTHING: Final = timedelta(0)
_LONGEST: Final = timedelta(days=36_500)  # added to a date of our time it still gives a date
_LARGEST: Final = 2**53  # up to here a float counts every byte

UnitT = TypeVar("UnitT", int, timedelta)


def parse_duration(value: object) -> timedelta:
    """Read "90 s", "1.5 h", "30 days"; a bare number is not a duration, for nobody knows its unit.

    Raises `ValueError`, also for less than nothing and for more than 36500 days.
    """
    duration = value if isinstance(value, timedelta) else _duration(value)
    if not _NOTHING <= duration <= _LONGEST:
        raise ValueError(f"{reprlib.repr(value)} is not between 0 s and {duration_words(_LONGEST)}")
    return duration


def parse_size(value: object) -> int:
    """Read "64 KB", "2 GB", "1 MiB" into bytes; a bare whole number is bytes. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        size: float = value
    else:
        number, words = _quantity(value, _QUANTITY, 'a size such as "64 KB", "1 MB" or "2 GB"')
        size = number * _unit(words, _BYTES, "B, KB, MB or GB")
    if not 0 <= size <= _LARGEST:
        raise ValueError(f"{reprlib.repr(value)} is not a size between 0 B and {_LARGEST} B")
    return round(size)


@dataclass(frozen=True, slots=True)
class RateValue:
    """So many in so long: `every` is the shortest time from one to the next."""

    every: timedelta
    words: str


def parse_rate(value: object) -> RateValue:
    """Read "7/s", "100/min", "1000/h". Raises `ValueError`, also for a rate that no clock could keep."""
    if isinstance(value, RateValue):
        return value
    number, words = _quantity(value, _RATE, 'a rate such as "7/s" or "100/min"')
    unit = _unit(words, _TIMES, "s, min or h")
    if not number:
        raise ValueError("a rate of zero would never run anything; put the pipeline on hold instead")
    if not unit / _LONGEST <= number <= unit / timedelta.resolution:
        raise ValueError(f"{reprlib.repr(value)} is not a rate between one in {duration_words(_LONGEST)} and 1000000/s")
    return RateValue(unit / number, str(value).strip())


def duration_words(value: timedelta) -> str:
    """Say a duration in the largest unit that it is a whole number of; `parse_duration` reads it back exactly."""
    for unit in ("days", "h", "min", "s"):
        if value and not value % _TIMES[unit]:
            return f"{value // _TIMES[unit]} {unit}"
    milliseconds, rest = divmod(value, _TIMES["ms"])
    return f"{milliseconds}.{rest.microseconds:03} ms" if rest else f"{milliseconds} ms"


def _duration(value: object) -> timedelta:
    number, words = _quantity(value, _QUANTITY, 'a duration such as "5 s", "10 min", "1 h" or "30 days"')
    unit = _unit(words, _TIMES, "s, min, h or days")
    return unit * min(number, 2 * _LONGEST / unit)  # too long stays too long, and does not overflow


def _quantity(value: object, pattern: re.Pattern[str], wanted: str) -> tuple[float, str]:
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{reprlib.repr(value)} is not {wanted}")
    return float(match[1]), match[2]


def _unit(words: str, units: Mapping[str, UnitT], known: str) -> UnitT:
    unit = units.get(words.lower())
    if unit is None:
        raise ValueError(f"{reprlib.repr(words)} is not a unit that is known here; write {known}")
    return unit


Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(duration_words, return_type=str),
]
Size: TypeAlias = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=str | int)]
Rate: TypeAlias = Annotated[
    RateValue,
    BeforeValidator(parse_rate, json_schema_input_type=str),
    PlainSerializer(lambda rate: rate.words, return_type=str),
]
