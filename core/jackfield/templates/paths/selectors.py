"""The parts of a path that hold no other path: names, indexes, slices and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from jsonpath_ng import jsonpath
from jsonpath_ng.ext import string

from jackfield.templates.limits.budget import Budget
from jackfield.templates.paths.pattern import Pattern

Spot: TypeAlias = tuple[Any, Any, Any]
"""A value, its key, and the spot that it is in; what was calculated has no key."""
Find: TypeAlias = Callable[[Spot, Budget], list[Spot]]

ROOT: Final = object()
NOWHERE: Final = object()


def derived(value: Any) -> Spot:
    """Make the spot of a value that was calculated."""
    return (value, NOWHERE, None)


def children(spot: Spot, budget: Budget) -> list[Spot]:
    """Return all that is directly within a value."""
    value = spot[0]
    if isinstance(value, list | tuple):
        budget.spend(3 + 4 * len(value))
        return [(child, index, spot) for index, child in enumerate(value)]
    if isinstance(value, dict):
        budget.spend(3 + 4 * len(value))
        return [(child, key, spot) for key, child in value.items()]
    return []


def _fields(node: jsonpath.Fields) -> Find:
    names = node.fields

    def find(spot: Spot, _: Budget) -> list[Spot]:
        value = spot[0]
        return [(value[name], name, spot) for name in names if name in value] if isinstance(value, dict) else []

    return find


def _wildcard(_: Any) -> Find:
    return children


def _index(node: jsonpath.Index) -> Find:
    indexes = node.indices

    def find(spot: Spot, _: Budget) -> list[Spot]:
        value = spot[0]
        if not isinstance(value, list | tuple):
            return []
        return [(value[index], index, spot) for index in indexes if -len(value) <= index < len(value)]

    return find


def _slice(node: jsonpath.Slice) -> Find:
    chosen = slice(node.start, node.end, node.step)

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        value = spot[0]
        if not isinstance(value, list | tuple) or chosen.step == 0:
            return []
        indexes = range(len(value))[chosen]
        budget.spend(4 * len(indexes))
        return [(value[index], index, spot) for index in indexes]

    return find


def _len(_: Any) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        budget.spend(6)
        return [derived(len(spot[0]))] if isinstance(spot[0], str | list | tuple | dict) else []

    return find


def _keys(_: Any) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        value = spot[0]
        if not isinstance(value, dict):
            return []
        budget.spend(len(value))
        return [derived(key) for key in value]

    return find


def _path(_: Any) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        budget.spend(24)
        return [(_written(spot[1]), NOWHERE, spot)]

    return find


def _written(key: Any) -> str:
    if key is ROOT or key is NOWHERE:
        return "$" if key is ROOT else "`this`"
    return str(jsonpath.Index(key) if isinstance(key, int) else jsonpath.Fields._compliant_constructor(key))  # noqa: SLF001


def _sub(node: string.Sub) -> Find:
    pattern = Pattern(node.expr)

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        if not isinstance(spot[0], str):
            raise TypeError
        value = pattern.sub(node.repl, spot[0], budget)
        return [] if value == spot[0] else [derived(value)]

    return find


def _split(node: string.Split) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        if not isinstance(spot[0], str):
            return []
        budget.spend(len(spot[0]))
        parts = spot[0].split(node.chars, node.max_split)
        if node.segment == "*":
            return [derived(parts)]
        index = int(node.segment)
        return [derived(parts[index])] if -len(parts) <= index < len(parts) else []

    return find


def _str(_: Any) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        budget.spend(4)
        budget.weigh(spot[0])
        return [derived(str(spot[0]))]

    return find


SELECTORS: Final[Mapping[str, Callable[[Any], Find]]] = MappingProxyType(
    {
        "Fields": _fields,
        "Index": _index,
        "Keys": _keys,
        "Len": _len,
        "Path": _path,
        "Slice": _slice,
        "Split": _split,
        "Str": _str,
        "Sub": _sub,
        "Wildcard": _wildcard,
    }
)
"""What makes a look-up of each kind of part, by the name of jsonpath-ng's class."""
