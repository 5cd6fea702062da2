"""A JSONPath: jsonpath-ng reads it, and what it selects is looked up here, with a count of the work.

jsonpath-ng's own `find()` has no limit, takes many times longer, and gives regular expressions to an engine that may
never come to an end. What is selected is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cmp_to_key
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from jsonpath_ng import jsonpath
from jsonpath_ng.ext import arithmetic, iterable
from jsonpath_ng.ext import filter as filters
from jsonpath_ng.ext.parser import parse
from pydantic import JsonValue

from jackfield.errors import TemplateError
from jackfield.templates.limits.arithmetic import operate
from jackfield.templates.limits.budget import Budget
from jackfield.templates.paths.comparison import UNORDERED, holds
from jackfield.templates.paths.pattern import Pattern
from jackfield.templates.paths.selectors import NOWHERE, ROOT, SELECTORS, Find, Spot, children, derived

Key: TypeAlias = str | int

LONGEST: Final = 2000
"""How many characters a path may have."""


class Query:
    """A compiled path, which messages call `shown`. Raises `TemplateError` if the text is none."""

    def __init__(self, text: str, shown: str = "") -> None:
        self._shown = shown or text
        if len(text) > LONGEST:
            raise TemplateError(f"{self._shown[:40]}… is too long for a path; write it in {LONGEST} characters")
        try:
            tree = parse(text)
            self._find = _compiled(tree)
        except TemplateError as error:
            raise TemplateError(f"{self._shown} cannot be used as a path: {error.what}") from None
        except Exception as error:  # noqa: BLE001 - jsonpath-ng lets through whatever Python raises
            said = str(error) or type(error).__name__
            raise TemplateError(f"{self._shown} is not a JSONPath: {said}") from None

        self.singular: Final = _is_singular(tree)
        """Whether it has only names and single indexes, and so selects one value or none."""

    def find(self, value: Any, budget: Budget | None = None) -> list[JsonValue]:
        """Return what the path selects in a value. Raises `TemplateError` if that cannot be told, or takes too long."""
        return [spot[0] for spot in self._spots(value, budget)]

    def places(self, value: Any, budget: Budget | None = None) -> list[tuple[Key, ...]]:
        """Return where in a value that is; what a function such as `len` gives is nowhere."""
        return [place for spot in self._spots(value, budget) if (place := _place(spot))]

    def _spots(self, value: Any, budget: Budget | None) -> list[Spot]:
        try:
            return self._find((value, ROOT, None), budget or Budget())
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            kind = type(error).__name__
            raise TemplateError(
                f"{self._shown} does not suit this event ({kind}); check the kinds of its values"
            ) from None


def _is_singular(node: Any) -> bool:
    if isinstance(node, jsonpath.Child):
        return _is_singular(node.left) and _is_singular(node.right)
    if isinstance(node, jsonpath.Fields):
        return len(node.fields) == 1
    return isinstance(node, jsonpath.Root) or (isinstance(node, jsonpath.Index) and len(node.indices) == 1)


def _place(spot: Spot) -> tuple[Key, ...]:
    keys: list[Key] = []
    while spot[2] is not None:
        if spot[1] is NOWHERE:
            return ()
        keys.append(spot[1])
        spot = spot[2]
    return tuple(reversed(keys)) if spot[1] is ROOT else ()


def _compiled(node: Any) -> Find:
    kind = type(node).__name__
    if kind not in _COMPILERS:
        raise TemplateError(f"{node} is a kind of path that is not supported here; write it in another way")
    return _COMPILERS[kind](node)


def _root(_: Any) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        while spot[2] is not None:
            budget.spend(1)
            spot = spot[2]
        return [spot]

    return find


def _this(_: Any) -> Find:
    return lambda spot, _: [spot]


def _parent(_: Any) -> Find:
    return lambda spot, _: [] if spot[2] is None else [spot[2]]


def _child(node: jsonpath.Child) -> Find:
    left, right = _compiled(node.left), _compiled(node.right)

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        found: list[Spot] = []
        for one in left(spot, budget):
            budget.spend(3)
            found += right(one, budget)
        return found

    return find


def _where(node: jsonpath.Where, *, wanted: bool = True) -> Find:
    left, right = _compiled(node.left), _compiled(node.right)
    return lambda spot, budget: [one for one in left(spot, budget) if bool(right(one, budget)) is wanted]


def _where_not(node: jsonpath.WhereNot) -> Find:
    return _where(node, wanted=False)


def _descendants(node: jsonpath.Descendants) -> Find:
    left, right = _compiled(node.left), _compiled(node.right)

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        found: list[Spot] = []
        waiting = left(spot, budget)[::-1]
        while waiting:
            one = waiting.pop()
            budget.spend(4)
            found += right(one, budget)
            waiting += reversed(children(one, budget))
        return found

    return find


def _union(node: Any) -> Find:
    left, right = _compiled(node.left), _compiled(node.right)
    return lambda spot, budget: left(spot, budget) + right(spot, budget)


def _filter(node: filters.Filter) -> Find:
    conditions = [_compiled(expression) for expression in node.expressions]

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        return [one for one in children(spot, budget) if all(condition(one, budget) for condition in conditions)]

    return find


def _and(node: filters.And) -> Find:
    operands = [_compiled(operand) for operand in node.operands]
    return lambda spot, budget: [spot] if all(operand(spot, budget) for operand in operands) else []


def _or(node: filters.Or) -> Find:
    operands = [_compiled(operand) for operand in node.operands]
    return lambda spot, budget: [spot] if any(operand(spot, budget) for operand in operands) else []


def _expression(node: filters.Expression) -> Find:
    target, symbol, wanted = _compiled(node.target), node.op, node.value
    if symbol is None:
        return target
    if symbol == "!":
        return lambda spot, budget: [] if target(spot, budget) else [spot]
    if isinstance(wanted, jsonpath.JSONPath):
        return _comparison(target, symbol, _compiled(wanted))
    if symbol == "=~":
        return _matching(target, Pattern(str(wanted)))

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        budget.spend(4)
        found = target(spot, budget)
        if not found:
            return [spot] if symbol == "!=" else []
        return [one for one in found if holds(symbol, one[0], wanted, budget)]

    return find


def _matching(target: Find, pattern: Pattern) -> Find:
    def find(spot: Spot, budget: Budget) -> list[Spot]:
        found = target(spot, budget)
        return [one for one in found if isinstance(one[0], str) and pattern.search(one[0], budget)]

    return find


def _comparison(target: Find, symbol: str, other: Find) -> Find:
    """Compare what two paths select. One that selects nothing equals only another that selects nothing."""

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        found = target(spot, budget)
        values = [one[0] for one in other(spot, budget)]
        if found and values:
            return [one for one in found if any(holds(symbol, one[0], value, budget) for value in values)]
        return (found or [spot]) if UNORDERED[symbol](not found and not values) else []

    return find


def _operation(node: arithmetic.Operation) -> Find:
    sides = [_operand(side) for side in (node.left, node.right)]
    symbol = node.op_symbol

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        budget.spend(12)
        left, right = (side(spot, budget) for side in sides)
        try:
            return [derived(operate(symbol, *pair, budget)) for pair in _pairs(left, right)]
        except TypeError:
            return []

    return find


def _operand(side: Any) -> Callable[[Spot, Budget], Any]:
    if not isinstance(side, jsonpath.JSONPath):
        return lambda *_: side
    found = _compiled(side)
    return lambda spot, budget: [one[0] for one in found(spot, budget)]


def _pairs(left: Any, right: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(left, list) and isinstance(right, list):
        yield from zip(left, right, strict=True) if len(left) == len(right) else ()
    elif isinstance(left, list):
        yield from ((one, right) for one in left)
    elif isinstance(right, list):
        yield from ((left, one) for one in right)
    else:
        yield left, right


def _sorted_this(node: iterable.SortedThis) -> Find:
    fields = [(_compiled(field), -1 if reverse else 1) for field, reverse in node.expressions or ()]

    def find(spot: Spot, budget: Budget) -> list[Spot]:
        value = spot[0]
        if not isinstance(value, dict | list) or (isinstance(value, dict) and fields):
            return [spot]
        budget.weigh(value, 4)
        key = cmp_to_key(lambda one, other: _order(fields, one, other, budget)) if fields else None
        return [derived(sorted(value, key=key))]

    return find


def _order(fields: list[tuple[Find, int]], one: Any, other: Any, budget: Budget) -> int:
    budget.spend(4)
    for field, direction in fields:
        found, others = field(derived(one), budget), field(derived(other), budget)
        if len(found) == len(others) == 1:
            left, right = found[0][0], others[0][0]
            budget.weigh(left)
            if left != right:
                return -direction if left < right else direction
    return 0


_COMPILERS: Final[Mapping[str, Callable[[Any], Find]]] = MappingProxyType(
    {
        **SELECTORS,
        "And": _and,
        "Child": _child,
        "Descendants": _descendants,
        "Expression": _expression,
        "Filter": _filter,
        "Operation": _operation,
        "Or": _or,
        "Parent": _parent,
        "Root": _root,
        "SortedThis": _sorted_this,
        "This": _this,
        "Where": _where,
        "WhereNot": _where_not,
        "_Union": _union,
    }
)
