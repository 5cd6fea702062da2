"""Puts a count of the work into a template that Jinja has parsed.

A loop, a macro and a block count a step for each node in them whenever they are gone through. `~`, comparisons, slices
and what follows a dot become filters, which look at their operands first; the other operators Jinja hands to its
environment anyway.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from jinja2 import nodes
from jinja2.runtime import Context, markup_join, str_join
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from jackfield.templates.limits.budget import Budget

BUDGET: Final = "the budget of this rendering"
"""Where a context has its budget: no template can name it."""

SHORT: Final = 64
"""Up to so many characters, what is written into a text counts as a part of the body that it is in."""

_STEP: Final = "a step"
_JOIN: Final = "~"
_CUT: Final = "[:]"
_COMPARE: Final = "a comparison"
_MEMBER: Final = "."
_NodeT = TypeVar("_NodeT", bound=nodes.Node)
_REPEATED: Final = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
_STEPS_OF_A_BODY: Final = 3
_STEPS_OF_A_MEMBER: Final = 20
"""What it takes to look for something that is not a key of a table."""


def budget_of(context: Context) -> Budget:
    """Return the budget of the rendering that a context belongs to."""
    return cast("Budget", context.parent[BUDGET])


def metered(tree: _NodeT) -> _NodeT:
    """Return a copy of the tree that counts its work, for an environment that has the filters `METERS`."""
    return cast("_NodeT", _Meter().visit(_copied(tree)))


def _copied(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_copied(item) for item in value)
    if not isinstance(value, nodes.Node):
        return value
    fields = [_copied(getattr(value, name)) for name in value.fields]
    return type(value)(*fields, lineno=value.lineno, environment=value.environment)


class _Meter(NodeTransformer):
    """Replaces nodes; a method for each kind, as Jinja calls them."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        if node.test is not None:
            step = _filter(nodes.Const(True), _STEP, nodes.Const(1), at=node)  # noqa: FBT003 - what it comes to
            self.generic_visit(node)
            node.test = nodes.And(step, node.test, lineno=node.lineno)
            return self._counted(node)
        return self._repeated(node)

    def _repeated(self, node: nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        self.generic_visit(node)
        return self._counted(node)

    visit_Macro = visit_CallBlock = visit_Block = _repeated  # noqa: N815

    def _counted(self, node: nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        weight = nodes.Const(_STEPS_OF_A_BODY + sum(map(_weight, node.body)))
        step = _filter(nodes.Const(True), _STEP, weight, at=node)  # noqa: FBT003
        node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), _JOIN, at=node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        left, result = node.expr, None
        for operand in node.ops:
            one = _comparison(left, operand, node)
            result = one if result is None else nodes.And(result, one, lineno=node.lineno)
            left = operand.expr
        return result or node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filter(node.node, _MEMBER, nodes.Const(node.attr), at=node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        ends = [end or nodes.Const(None) for end in (node.arg.start, node.arg.stop, node.arg.step)]
        return _filter(node.node, _CUT, *ends, at=node)


def _filter(value: nodes.Expr, name: str, *arguments: nodes.Expr, at: nodes.Node) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=at.lineno, environment=at.environment)


def _weight(node: nodes.Node) -> int:
    """Count the nodes of a body, without the bodies in it that are counted by themselves."""
    if isinstance(node, _REPEATED):
        return _STEPS_OF_A_BODY
    weight = 1 + sum(map(_weight, node.iter_child_nodes()))
    if isinstance(node, nodes.TemplateData):
        return weight + (len(node.data) >> 4)
    return weight + (SHORT >> 4) * len(node.nodes) if isinstance(node, nodes.Output) else weight


def _comparison(left: nodes.Expr, operand: nodes.Operand, at: nodes.Node) -> nodes.Expr:
    if _is_cheap(left, operand):
        return nodes.Compare(left, [operand], lineno=at.lineno, environment=at.environment)
    return _filter(left, _COMPARE, nodes.Const(operand.op), operand.expr, at=at)


def _is_cheap(left: nodes.Expr, operand: nodes.Operand) -> bool:
    """Whether one side is so small, whatever the event is, that the comparison takes no time to speak of."""
    right = operand.expr
    if operand.op in {"in", "notin"}:
        return isinstance(right, nodes.List | nodes.Tuple) and all(isinstance(one, nodes.Const) for one in right.items)
    return isinstance(left, nodes.Const) or isinstance(right, nodes.Const)


@pass_context
def _step(context: Context, value: bool, weight: int) -> bool:  # noqa: FBT001 - always true, so that it can be a condition
    budget = budget_of(context)
    budget.left -= weight
    if budget.left < 0:
        budget.spend(0)
    return value


@pass_context
def _joined(context: Context, values: list[Any]) -> str:
    budget = budget_of(context)
    budget.spend(24)
    length = 0
    for value in values:
        if isinstance(value, str):
            length += len(value)
        else:
            budget.weigh(value)
    budget.text(length)
    return markup_join(values) if context.eval_ctx.autoescape else str_join(values)


@pass_context
def _member(context: Context, value: Any, name: str) -> Any:
    if type(value) is dict and name in value:
        return value[name]
    budget_of(context).spend(_STEPS_OF_A_MEMBER)
    return context.environment.getattr(value, name)


@pass_context
def _cut(context: Context, value: Any, *ends: Any) -> Any:
    chosen = slice(*ends)
    budget_of(context).spend(8)
    part = context.environment.getitem(value, chosen)
    budget_of(context).weigh(part)
    return part


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        "eq": operator.eq,
        "ne": operator.ne,
        "gt": operator.gt,
        "gteq": operator.ge,
        "lt": operator.lt,
        "lteq": operator.le,
        "in": lambda left, right: left in right,
        "notin": lambda left, right: left not in right,
    }
)


@pass_context
def _compared(context: Context, left: Any, symbol: str, right: Any) -> bool:
    budget = budget_of(context)
    if symbol in {"in", "notin"}:
        return _COMPARISONS[symbol](left, count_search(left, right, budget))
    count_comparison(left, right, budget)
    return _COMPARISONS[symbol](left, right)


def count_comparison(left: Any, right: Any, budget: Budget) -> None:
    """Count a comparison: of two texts or two containers it goes through the smaller one."""
    budget.spend(1)
    if isinstance(left, str) and isinstance(right, str):
        budget.text(min(len(left), len(right)))
    elif isinstance(left, list | tuple | dict) and isinstance(right, list | tuple | dict):
        budget.weigh(left if len(left) <= len(right) else right)


def count_search(needle: Any, haystack: Any, budget: Budget) -> Any:
    """Count the search for a value; return what to search in, which may be gone through only once."""
    if isinstance(haystack, str):
        budget.spend(1 + (len(haystack) >> 4))
    elif isinstance(haystack, dict):
        budget.weigh(needle)
    elif isinstance(haystack, list | tuple):
        budget.weigh(needle, len(haystack))
    elif isinstance(haystack, bytes | range):
        budget.spend(len(haystack))
    else:
        return budget.each(haystack) if hasattr(haystack, "__next__") else haystack
    return haystack


METERS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {_STEP: _step, _JOIN: _joined, _CUT: _cut, _COMPARE: _compared, _MEMBER: _member}
)
"""The filters that a metered tree uses. Nobody can write their names in a template."""
