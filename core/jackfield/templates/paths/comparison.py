"""What `==`, `<` and the like say of two JSON values in a path (RFC 9535, section 2.3.5.2.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from jackfield.templates.limits.budget import Budget

UNORDERED: Final[Mapping[str, Callable[[bool], bool]]] = MappingProxyType(
    {"!=": operator.not_, "==": bool, "=": bool, "<=": bool, ">=": bool, "<": lambda _: False, ">": lambda _: False}
)
"""What a comparison says of values that have no order (RFC 9535, section 2.3.5.2.2), by whether they are equal."""
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        "!=": operator.ne,
        "==": operator.eq,
        "=": operator.eq,
        "<=": operator.le,
        "<": operator.lt,
        ">=": operator.ge,
        ">": operator.gt,
    }
)


def holds(symbol: str, left: Any, right: Any, budget: Budget) -> bool:
    """Whether a comparison of two values is true. Only two numbers and two texts have an order."""
    budget.spend(2)
    if isinstance(left, str) and isinstance(right, str):
        budget.text(min(len(left), len(right)))
        return _ORDERED[symbol](left, right)
    if _is_number(left) and _is_number(right):
        return _ORDERED[symbol](left, right)
    return UNORDERED[symbol](equal(left, right, budget))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """Whether two values are the same; `true` is not 1."""
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        budget.spend(2)
        if isinstance(one, bool) or isinstance(other, bool):
            if one is not other:
                return False
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pairs.extend((value, other[key]) for key, value in one.items())
        elif isinstance(one, list | dict) or isinstance(other, list | dict) or one != other:
            return False
    return True
