"""The Jinja environment that templates run in: what they can reach, and how a value becomes JSON or text.

Templates are the operator's, the data in them is everybody's: data is never compiled, mappings have keys and no
methods, and no message holds a value. Whatever takes long, or makes something long, is counted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial, wraps
from time import thread_time_ns
from types import BuiltinMethodType, MappingProxyType, MethodType
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, UndefinedError
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import _PassArg, pass_context
from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.errors import TemplateError
from jackfield.templates.limits.arithmetic import OPERATORS, counted, operate
from jackfield.templates.limits.budget import Budget
from jackfield.templates.limits.filter_costs import FILTER_COSTS, Cost, count_method, of_a_plugin, through
from jackfield.templates.limits.formatter import Format
from jackfield.templates.limits.metering import METERS, SHORT, budget_of, count_comparison, count_search
from jackfield.templates.paths.path import Document, Path, describe_gap

_JINJA_GLOBALS: Final = ("dict", "namespace", "range")
_COMPARING: Final = ("==", "!=", ">", ">=", "<", "<=", "eq", "equalto", "ne", "gt", "greaterthan", "ge", "lt",
                     "lessthan", "le")  # fmt: skip
_SHORT_NUMBER: Final = 1 << 62
_JINJAS_COST: Final = through(1)
_OWNERS: Final = (str, bytes, int, float, list, tuple, dict)


class Blank(str):
    """A value that is there but says "nothing": text as it came for everything except `default()`."""

    __slots__ = ()


class Nothing(StrictUndefined):
    """What selects nothing: an error as soon as it is used, unless `default()` or `is defined` comes first."""

    __slots__ = ("_explain",)

    def __init__(self, explain: Callable[[], str]) -> None:
        super().__init__()
        self._explain = explain

    @property
    def _undefined_message(self) -> str:
        return self._explain()


class Withheld(Nothing):
    """A value that a secret was taken out of before it was stored: an error when it is used, `default()` or not."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(lambda: "this value was stored without the secret in it; replay the whole run")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without its surprises: strict, immutable, keys before attributes, text as in JSON.

    `filters` are added to Jinja's own; a failing filter raises a `TemplateError` that names it.
    """

    intercepted_binops = frozenset(OPERATORS)

    def __init__(self, filters: Mapping[str, Callable[..., object]], variables: Mapping[str, object]) -> None:
        # Constants are not folded when a template is compiled, so that nothing is made without a budget.
        super().__init__(undefined=StrictUndefined, finalize=_finalized, keep_trailing_newline=True, optimized=False)
        self.globals = {name: self.globals[name] for name in _JINJA_GLOBALS} | dict(variables)
        del self.filters["attr"]  # a dot does it, and a data-driven attribute name has no use
        costs = {name: FILTER_COSTS.get(name, _JINJAS_COST) for name in self.filters} | dict.fromkeys(
            filters, of_a_plugin
        )
        self.filters |= filters
        self.filters = {name: _metered(name, function, costs[name]) for name, function in self.filters.items()}
        self.filters |= {"default": _default, "d": _default, "tojson": _tojson, **METERS}
        self.tests |= {name: _comparing(self.tests[name]) for name in _COMPARING}
        self.tests |= {name: _searching(self.tests[name]) for name in ("lower", "upper")} | {"in": _is_in}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Evaluate `left operator right`."""
        if operator != "**" and _is_short(left) and _is_short(right):
            return OPERATORS[operator](left, right)
        return operate(operator, left, right, budget_of(context))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Evaluate `obj(...)`: a macro, a method of a value, or a function."""
        budget = budget_of(context)
        budget.spend(40)
        if isinstance(obj, Format):
            return obj.text(self, budget, args, kwargs)
        if isinstance(obj, MethodType | BuiltinMethodType) and isinstance(owner := obj.__self__, _OWNERS):
            args = count_method(obj.__name__, owner, args, kwargs, budget)
        elif not isinstance(obj, Macro):  # whose body is counted
            budget.weigh(args)
        return _made(super().call(context, obj, *args, **kwargs), budget)

    def wrap_str_format(self, value: Any) -> Any:
        """Return what stands for the method `format` of a text, and is carried out by `call()`."""
        return Format.of(value)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> dict[str, Any]:
        """Return a plain dict, which Jinja goes through at each rendering much faster than through its own ChainMap."""
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Evaluate `obj.attribute`: the key of a mapping, whatever its name; for anything else Jinja's rules."""
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
        elif not isinstance(found := super().getattr(obj, attribute), Undefined):
            return found
        return Nothing(lambda: f".{attribute} selects nothing; {describe_gap(obj, attribute, '')}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Evaluate `obj[argument]`. What was looked for may be data and is not named."""
        if isinstance(obj, Mapping):
            if argument in obj:
                return obj[argument]
        elif not isinstance(found := super().getitem(obj, argument), Undefined):
            return found
        return Nothing(lambda: f"what is looked up in brackets is not there; {describe_gap(obj, None, '')}")


def select(path: Path, document: Document, budget: Budget) -> object:
    """Return what a path selects, `Nothing` if it selects nothing."""
    try:
        return path.find(document, budget)
    except LookupError:
        return Nothing(partial(path.explain, document))


def as_json(value: object, budget: Budget) -> JsonValue:
    """Copy a value that a template came to as plain JSON: iterables become lists, every text an exact `str`.

    Raises `UndefinedError` if it is undefined, or holds something undefined, and `TemplateError` if it is not JSON.
    """
    if isinstance(value, str):
        if length := len(value) >> 4:
            budget.spend(length)
        return value if type(value) is str else str(value)
    if value is None or isinstance(value, _PLAIN):
        if isinstance(value, int):
            budget.digits(value)
        return value
    if isinstance(value, Mapping):
        budget.spend(7 + 2 * len(value))
        return {str(key): as_json(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        budget.spend(7 + len(value))
        return [as_json(item, budget) for item in value]
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return [as_json(item, budget) for item in budget.each(value)]
    raise TemplateError(f"it comes to a {type(value).__name__}, which JSON does not have; add a filter such as string")


def as_text(value: object, budget: Budget) -> str:
    """Write a value into a text: strings and numbers as they are, null as nothing, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int):
            budget.digits(value)
        return str(value)
    budget.spend(8)
    return to_json(as_json(value, budget)).decode()


@pass_context
def _finalized(context: Context, value: object) -> str:
    """Write a value into a text that is being made, which may happen very often."""
    if isinstance(value, str) and len(value) <= SHORT:
        return value
    budget = budget_of(context)
    text = as_text(value, budget)
    budget.text(len(text))
    return text


@pass_context
def _tojson(context: Context, value: object, indent: int | None = None) -> str:
    budget = budget_of(context)
    plain = as_json(value, budget)
    if indent:
        budget.text(_margins(plain, indent, budget))
    return to_json(plain, indent=indent).decode()


def _margins(value: JsonValue, indent: int, budget: Budget, depth: int = 1) -> int:
    """Count the spaces in front of the lines that a value is laid out in."""
    if not isinstance(value, dict | list):
        return 0
    items = value.values() if isinstance(value, dict) else value
    budget.spend(8 + 2 * len(value))
    return (len(value) + 1) * depth * indent + sum(_margins(item, indent, budget, depth + 1) for item in items)


def _default(value: object, fallback: object = "", boolean: bool = False) -> object:  # noqa: FBT001, FBT002 - as Jinja's
    if isinstance(value, Withheld):
        raise UndefinedError(value._undefined_message)  # noqa: SLF001 - of this module's own class
    absent = value is None or isinstance(value, Undefined | Blank) or (boolean and not value)
    return fallback if absent else value


def _metered(name: str, function: Callable[..., Any], cost: Cost) -> Callable[..., Any]:
    """Count the work of a filter, and make its own exceptions say which filter it was.

    Their text is left out: it may quote the value.
    """
    passed = _PASSED.get(_PassArg.from_obj(function))
    foreign = cost is of_a_plugin

    @pass_context
    @wraps(function)
    def call(context: Context, *args: Any, **kwargs: Any) -> Any:
        budget = budget_of(context)
        budget.spend(12)
        try:
            first = cost(budget, *args, **kwargs)
            if first is not None:
                args = (first, *args[1:])
            if passed is not None:
                args = (passed(context), *args)
            return _made(_timed(function, args, kwargs, budget) if foreign else function(*args, **kwargs), budget)
        except (UndefinedError, TemplateError):
            raise
        except Exception as fault:  # noqa: BLE001 - filters are a plugin's
            kind = type(fault).__name__
            raise TemplateError(f"the filter {name} cannot take what it is given ({kind}); check its input") from None

    return call


_PLAIN: Final = (int, float)
_PASSED: Final[Mapping[_PassArg | None, Callable[[Context], Any]]] = MappingProxyType(
    {
        _PassArg.context: lambda context: context,
        _PassArg.eval_context: lambda context: context.eval_ctx,
        _PassArg.environment: lambda context: context.environment,
    }
)
"""What filters ask for as their first argument."""


def _is_short(value: Any) -> bool:
    kind = type(value)
    return kind is float or (kind is int and -_SHORT_NUMBER < value < _SHORT_NUMBER)


def _made(value: Any, budget: Budget) -> Any:
    return (
        budget.each(value)
        if isinstance(value, Iterator) and not isinstance(value, Undefined)
        else counted(value, budget)
    )


def _timed(function: Callable[..., Any], args: Any, kwargs: Any, budget: Budget) -> Any:
    """Count how long a plugin's filter takes, a step for each microsecond, so that many slow calls come to an end."""
    began = thread_time_ns()
    result = function(*args, **kwargs)
    budget.spend((thread_time_ns() - began) // 1000)
    return result


def _comparing(test: Any) -> Callable[..., bool]:
    @pass_context
    def call(context: Context, value: Any, other: Any) -> bool:
        budget_of(context).spend(4)
        count_comparison(value, other, budget_of(context))
        return bool(test(value, other))

    return call


def _searching(test: Any) -> Callable[..., bool]:
    @pass_context
    def call(context: Context, value: Any) -> bool:
        budget_of(context).weigh(value)
        return bool(test(value))

    return call


@pass_context
def _is_in(context: Context, value: Any, container: Any) -> bool:
    budget_of(context).spend(8)
    return value in count_search(value, container, budget_of(context))
