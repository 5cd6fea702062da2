"""What the filters and the methods of texts cost, counted before they are called.

A filter that is not named here counts as one that goes through all that it is given once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from jackfield.errors import TemplateError
from jackfield.templates.limits.arithmetic import count_percent
from jackfield.templates.limits.budget import Budget

Cost: TypeAlias = Callable[..., Any]
"""Takes the budget and what the filter is given; what it returns, unless None, replaces the first argument."""

_LINE: Final = 80
_CONSTRUCTED: Final = 30
"""What it takes to make an iterator, or a list, whatever is in it."""
_SIZED: Final = (str, bytes, list, tuple, dict, set, frozenset, range)
_SHORT: Final = 100
"""Texts of so many characters cost no more than the call."""


def of_a_plugin(budget: Budget, *values: Any, **options: Any) -> None:
    """Count the call of a plugin's filter, which may do more than Jinja's do."""
    budget.spend(160)
    for value in (*values, *options.values()):
        budget.weigh(value, 4)


def through(times: int) -> Cost:
    """Make the cost of what goes through all that it is given so many times."""

    def cost(budget: Budget, *values: Any, **options: Any) -> None:
        if len(values) == 1 and _is_short(values[0]) and not options:
            budget.spend(2 * times - 2)
            return
        for value in values:
            budget.weigh(value, times)
        if options:
            budget.weigh(options, times)

    return cost


def _one_by_one(times: int, depth: int = 0) -> Cost:
    """Make the cost of what takes a text, a list or a table apart; with `depth` it compares what is in there."""

    def cost(budget: Budget, value: Any, *_: Any, **__: Any) -> None:
        budget.spend(_CONSTRUCTED)
        if isinstance(value, _SIZED):
            budget.spend(times * len(value))
        if depth and not isinstance(value, str):
            budget.weigh(value, depth)

    return cost


def _nothing(*_: Any, **__: Any) -> None:
    """Cost no more than the call."""


def _is_short(value: Any) -> bool:
    return type(value) is str and len(value) <= _SHORT


def _text(budget: Budget, value: Any) -> str:
    if isinstance(value, str):
        budget.spend(len(value) >> 4)
        return value
    budget.weigh(value)
    return str(value)


def _center(budget: Budget, value: Any, width: int = _LINE) -> None:
    budget.text(max(len(_text(budget, value)), width))


def _indent(budget: Budget, s: Any, width: int | str = 4, *_: Any, **__: Any) -> None:
    text = _text(budget, s)
    budget.text(len(text) + (len(text.splitlines()) + 1) * (len(width) if isinstance(width, str) else width))


def _replace(budget: Budget, s: Any, old: Any, new: Any, count: int | None = None) -> None:  # noqa: ARG001 - as the filter's
    if not (_is_short(s) and _is_short(new)):
        count_replacing(_text(budget, s), _text(budget, old), _text(budget, new), budget)


def count_replacing(text: str | bytes, old: Any, new: Any, budget: Budget) -> None:
    """Count what `text.replace(old, new)` would make."""
    times = text.count(old) if old else len(text) + 1
    budget.text(len(text) + times * len(new))


def _join(budget: Budget, value: Iterable[Any], d: Any = "", attribute: Any = None) -> list[Any]:  # noqa: ARG001 - as above
    return count_joining(value, _text(budget, d), budget)


def count_joining(values: Iterable[Any], separator: str | bytes, budget: Budget) -> list[Any]:
    """Count what `separator.join(values)` would make, and return the values."""
    if isinstance(values, str):
        budget.spend(4 * len(values))
    items = list(budget.each(values))
    budget.spend(_CONSTRUCTED)
    budget.weigh(items)
    budget.text(sum(len(item) for item in items if isinstance(item, str | bytes)) + len(separator) * len(items))
    return items


def _wordwrap(budget: Budget, s: Any, *args: Any, **kwargs: Any) -> None:
    length = len(_text(budget, s))
    separator = kwargs.get("wrapstring", args[2] if len(args) > 2 else "\n") or "\n"  # noqa: PLR2004 - its place
    budget.text((length + 1) * (1 + len(separator)))
    budget.spend(2 * _CONSTRUCTED + 4 * length)


def _format(budget: Budget, value: Any, *args: Any, **kwargs: Any) -> None:
    count_percent(_text(budget, value), kwargs or args, budget)


def _batch(budget: Budget, value: Any, linecount: int, fill_with: Any = None) -> None:
    _one_by_one(4)(budget, value)
    budget.elements(linecount if fill_with is not None else 0)


def _slice(budget: Budget, value: Iterable[Any], slices: int, fill_with: Any = None) -> list[Any]:  # noqa: ARG001 - as above
    budget.elements(_CONSTRUCTED + slices)
    return list(budget.each(value))


def _round(budget: Budget, value: Any, precision: int = 0, method: str = "common") -> None:  # noqa: ARG001 - as the filter's
    budget.number(4 * abs(precision))


def _sum(budget: Budget, iterable: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
    budget.spend(_CONSTRUCTED)
    items = list(budget.each(iterable))
    adds_numbers = not kwargs.get("start") and len(args) < 2  # noqa: PLR2004 - the second is `start`
    budget.weigh(items, 1 if adds_numbers else 1 + (len(items) >> 5))
    return items


def _striptags(budget: Budget, value: Any) -> None:
    budget.spend(_CONSTRUCTED + len(_text(budget, value)))


FILTER_COSTS: Final[Mapping[str, Cost]] = MappingProxyType(
    {
        **dict.fromkeys(("abs", "count", "first", "last", "length", "random"), _nothing),
        **dict.fromkeys(("items", "list", "reverse"), _one_by_one(2)),
        **dict.fromkeys(("map", "reject", "rejectattr", "select", "selectattr"), _one_by_one(8)),
        **dict.fromkeys(("dictsort", "groupby", "max", "min", "sort", "unique"), _one_by_one(16, depth=1)),
        **dict.fromkeys(("urlencode", "wordcount"), through(6)),
        **dict.fromkeys(("float", "int"), through(6)),
        "title": through(16),
        **dict.fromkeys(("pprint", "urlize", "xmlattr"), through(40)),
        "batch": _batch,
        "center": _center,
        "format": _format,
        "indent": _indent,
        "join": _join,
        "replace": _replace,
        "round": _round,
        "slice": _slice,
        "striptags": _striptags,
        "sum": _sum,
        "wordwrap": _wordwrap,
    }
)
"""What Jinja's filters cost, where that is not `through(1)`."""


def count_method(
    name: str, owner: Any, args: tuple[Any, ...], options: Mapping[str, Any], budget: Budget
) -> tuple[Any, ...]:
    """Count the call of a method of a text, number or container; return the arguments to call it with."""
    if isinstance(owner, Mapping) and name in {"get", "items", "keys", "values"}:
        return args
    if name in {"translate", "maketrans", "to_bytes"}:
        raise TemplateError(f"a template cannot call the method {name}; use a filter")
    if name == "join" and isinstance(owner, str | bytes) and args:
        return (count_joining(args[0], owner, budget), *args[1:])
    budget.weigh(owner)
    for argument in (*args, *options.values()):
        budget.weigh(argument)
    if isinstance(owner, str | bytes):
        _count_text_method(name, owner, (*args, *options.values()), budget)
    return args


def _count_text_method(name: str, owner: str | bytes, args: tuple[Any, ...], budget: Budget) -> None:
    if name in {"center", "ljust", "rjust", "zfill"} and args:
        budget.text(args[0])
    elif name == "expandtabs":
        tab = owner[:0] + ("\t" if isinstance(owner, str) else b"\t")  # type: ignore[operator]
        budget.text(len(owner) + owner.count(tab) * (args[0] if args else 8))  # type: ignore[arg-type]
    elif name == "replace" and len(args) > 1:
        count_replacing(owner, args[0], args[1], budget)
