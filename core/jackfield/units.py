"""Durations, sizes and rates as people write them: "5 s", "2 GB", "7/s".

Each is a type for an options model: it takes the words, gives the value, and describes itself in the schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, PlainSerializer

_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_RATE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*([A-Za-z]+)\s*")

_SECONDS: Final = {
    "ms": 0.001,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
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


def parse_duration(value: object) -> timedelta:
    """Read "90 s", "1.5 h", "30 days"; a bare number is not a duration, for nobody knows its unit."""
    if isinstance(value, timedelta):
        return value
    number, unit = _quantity(value, _QUANTITY, 'a duration such as "5 s", "10 min", "1 h" or "30 days"')
    return timedelta(seconds=number * _factor(unit, _SECONDS, "s, min, h or days"))


def parse_size(value: object) -> int:
    """Read "64 KB", "2 GB", "1 MiB" into bytes; a bare whole number is bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    number, unit = _quantity(value, _QUANTITY, 'a size such as "64 KB", "1 MB" or "2 GB"')
    return round(number * _factor(unit, _BYTES, "B, KB, MB or GB"))


@dataclass(frozen=True, slots=True)
class RateValue:
    """So many in so long: `every` is the shortest time from one to the next."""

    every: timedelta
    words: str


def parse_rate(value: object) -> RateValue:
    """Read "7/s", "100/min", "1000/h"."""
    if isinstance(value, RateValue):
        return value
    number, unit = _quantity(value, _RATE, 'a rate such as "7/s" or "100/min"')
    if not number:
        raise ValueError("a rate of zero would never run anything; put the pipeline on hold instead")
    return RateValue(timedelta(seconds=_factor(unit, _SECONDS, "s, min or h") / number), str(value).strip())


def duration_words(value: timedelta) -> str:
    """Say a duration in the largest unit that it is a whole number of; `parse_duration` reads it back."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit, size in (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds} ms"


def _quantity(value: object, pattern: re.Pattern[str], wanted: str) -> tuple[float, str]:
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not {wanted}")
    return float(match[1]), match[2]


def _factor(unit: str, factors: dict[str, float] | dict[str, int], known: str) -> float:
    factor = factors.get(unit.lower())
    if factor is None:
        raise ValueError(f"{unit!r} is not a unit that is known here; write {known}")
    return factor


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
