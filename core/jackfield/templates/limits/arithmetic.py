"""The operators of templates and paths: what they would make is looked at before they make it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from jackfield.templates.limits.budget import Budget

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": operator.mod,
        "**": operator.pow,
    }
)
_WORD: Final = 64
_SHORT: Final = 100
_SEQUENCES: Final = (str, bytes, list, tuple)
_SPECIFIER: Final = re.compile(r"%(?:\([^()]*\))?[#0\- +]*(\*|[0-9]+)?(?:\.(\*|[0-9]+))?")
_KEY_WITH_PARENTHESES: Final = re.compile(r"%\([^()]*\(")
_NUMBER: Final = re.compile(r"\d+")  # in a format's width, Python takes the digits of every script


def operate(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    """Return what an operator makes of two values. Raises `TemplateError` if it is too much, and what Python raises."""
    if isinstance(left, int) and isinstance(right, int):
        _count_number(symbol, left, right, budget)
    elif symbol == "%" and isinstance(left, str | bytes):
        return formatted(left, right, budget)
    elif isinstance(left, float) or isinstance(right, float):
        budget.spend(1)
    else:
        _count_sequence(symbol, left, right, budget)
    return OPERATORS[symbol](left, right)


def formatted(text: Any, values: Any, budget: Budget) -> Any:
    """Return `text % values`."""
    count_percent(text, values, budget)
    return counted(text % values, budget)


def count_percent(text: str | bytes, values: Any, budget: Budget) -> None:
    """Count what `text % values` would make."""
    budget.spend(30)
    pattern = text if isinstance(text, str) else text.decode("latin-1")
    given = values if isinstance(values, tuple) else (values,)
    stars = max((abs(value) for value in given if isinstance(value, int)), default=0)
    specifiers = _SPECIFIER.findall(pattern)
    nested = _KEY_WITH_PARENTHESES.search(pattern) is not None  # then any number in the text may be a width
    widths = _NUMBER.findall(pattern) if nested else [width for pair in specifiers for width in pair if width]
    budget.text(len(text) + sum(stars if width == "*" else _read(width) for width in widths))
    budget.weigh(values, 1 + len(specifiers))


def count_format(specification: str, budget: Budget) -> None:
    """Count the widths in what stands behind the colon in `{:>10}`."""
    budget.text(sum(map(_read, _NUMBER.findall(specification))))


def counted(value: Any, budget: Budget) -> Any:
    """Return a value that was made just now, once it is counted."""
    if isinstance(value, str | bytes):
        if len(value) > _SHORT:
            budget.text(len(value))
    elif isinstance(value, int):
        budget.number(value.bit_length())
    elif isinstance(value, list | tuple | dict):
        budget.elements(len(value))
    return value


def _read(digits: str) -> int:
    return int(digits) if len(digits) < 20 else 10**20  # noqa: PLR2004 - more than any text may have


def _count_number(symbol: str, left: int, right: int, budget: Budget) -> None:
    bits, others = left.bit_length(), right.bit_length()
    if symbol == "**":
        budget.number(bits * max(0, right) if bits > 1 else bits)
    elif bits + others <= _WORD:
        budget.spend(2)
    else:
        budget.number(bits + others)
        budget.spend((bits >> 6) * (others >> 6) >> 3)


def _count_sequence(symbol: str, left: Any, right: Any, budget: Budget) -> None:
    budget.spend(1)
    if symbol == "+" and isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
        length, kind = len(left) + len(right), left
    elif symbol == "*" and isinstance(left, _SEQUENCES) and isinstance(right, int):
        length, kind = len(left) * max(0, right), left
    elif symbol == "*" and isinstance(right, _SEQUENCES) and isinstance(left, int):
        length, kind = len(right) * max(0, left), right
    else:
        return
    if isinstance(kind, str | bytes):
        budget.text(length)
    else:
        budget.elements(length)
