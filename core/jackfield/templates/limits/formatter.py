"""The methods `format` and `format_map` of a text, in a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import Environment
from jinja2.sandbox import SandboxedEscapeFormatter, SandboxedFormatter
from markupsafe import Markup

from jackfield.templates.limits.arithmetic import count_format
from jackfield.templates.limits.budget import Budget


@dataclass(frozen=True, slots=True)
class Format:
    """The method of one text, which is not carried out until there is a budget for it."""

    pattern: str
    of_a_map: bool

    @classmethod
    def of(cls, value: Any) -> Format | None:
        """Return what stands for a bound method; None if it is another one."""
        if not isinstance(value, MethodType | BuiltinMethodType) or value.__name__ not in {"format", "format_map"}:
            return None
        return cls(value.__self__, value.__name__ == "format_map") if isinstance(value.__self__, str) else None

    def text(self, environment: Environment, budget: Budget, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Carry it out. Raises what Python's own method does, and `TemplateError` if it makes too much."""
        if self.of_a_map:
            (kwargs,), args = args, ()
        formatter = (
            _EscapeFormatter(environment, budget, escape=self.pattern.escape)
            if isinstance(self.pattern, Markup)
            else _Formatter(environment, budget)
        )
        budget.text(160 + len(self.pattern))
        return type(self.pattern)(formatter.vformat(self.pattern, args, kwargs))


class _Formatter(SandboxedFormatter):
    def __init__(self, environment: Environment, budget: Budget, **kwargs: Any) -> None:
        super().__init__(environment, **kwargs)
        self._budget = budget

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Evaluate the `!r` in `{x!r}`."""
        self._budget.weigh(value)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> Any:
        """Evaluate `{x:>10}`."""
        self._budget.weigh(value)
        count_format(format_spec, self._budget)
        text = super().format_field(value, format_spec)
        self._budget.text(len(text))
        return text


class _EscapeFormatter(_Formatter, SandboxedEscapeFormatter):
    """The same for text that is HTML."""
