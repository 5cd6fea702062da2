"""Amounts of money, out of the ways in which people and shops write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from jackfield_filters.plain import is_blank, plain_text

_CURRENCY: Final = r"(?:[A-Za-z]{3}|р(?:уб(?:\.|л[а-я]{1,2})?|\.)?|тг\.?|тенге|грн\.?|сум|сом|[$€£¥₽₸₴₼₾₺₹₪])"
_AMOUNT: Final = re.compile(
    rf"(?P<sign>[-+−]?) ?(?:{_CURRENCY} ?)?(?P<number>[0-9](?:[0-9 .,']*[0-9])?) ?(?:{_CURRENCY})?", re.IGNORECASE
)
_PLAIN: Final = re.compile(r"(?P<whole>[0-9]+)(?P<mark>[.,])?(?P<part>(?<=[.,])[0-9]+)?")
_GROUPED: Final = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<group>[ .,'])[0-9]{3}(?:(?P=group)[0-9]{3})*)"
    r"(?:(?!(?P=group))(?P<mark>[.,])(?P<part>[0-9]+))?"
)
_LONGEST: Final = 60


class NotMoneyError(ValueError):
    """The text is not one amount of money."""


class AmbiguousMoneyError(ValueError):
    """The text is `1,234` or `1.234`: a thousand and more, or one and a little."""


def money(value: object, decimal: str | None = None) -> object:
    """Return the number that an amount is: `24 900,50 руб.` is 24900.5, `1,234.56` is 1234.56, `12 000,00` is 12000.

    Whole amounts are integers, others floats that print exactly as many kopecks as were written. Spaces of every kind
    may group the digits, a currency may stand before or after. `1,234` could be either of two amounts and is an error
    until `decimal` says which character is the decimal one. A value that says nothing is handed on as it came, for
    `default()`. Raises `NotMoneyError` and `AmbiguousMoneyError`.
    """
    if is_blank(value):
        return value
    if decimal not in {None, ",", "."}:
        raise NotMoneyError('decimal must be "," or "."')
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return int(value) if value == int(value) else value
    return _number(_amount(plain_text(value), decimal))


def _amount(value: str, decimal: str | None) -> Decimal:
    text = " ".join(value.split())
    found = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise NotMoneyError("this is not one amount of money, such as 24 900,50 or 1,234.56")
    readings = set(_readings(found["number"], decimal))
    if not readings:
        raise NotMoneyError("the digits are not grouped as those of an amount are, such as 24 900,50 or 1,234.56")
    if len(readings) > 1:
        raise AmbiguousMoneyError('this can be read in two ways; say which: money(decimal=",") or money(decimal=".")')
    return -readings.pop() if found["sign"] in {"-", "−"} else readings.pop()


def _readings(number: str, decimal: str | None) -> Iterator[Decimal]:
    for shape in (_PLAIN, _GROUPED):
        found = shape.fullmatch(number)
        if found is None:
            continue
        group = found.groupdict().get("group")
        if decimal is None or (group != decimal and found["mark"] in {None, decimal}):
            yield Decimal(f"{re.sub('[^0-9]', '', found['whole'])}.{found['part'] or 0}")


def _number(amount: Decimal) -> int | float:
    if amount == int(amount):
        return int(amount)
    number = float(amount)
    if Decimal(repr(number)) != amount:
        raise NotMoneyError("this amount has more digits than a JSON number keeps")
    return number
