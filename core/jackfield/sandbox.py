"""The Jinja environment that templates run in: what they can reach, and how a value becomes JSON or text.

Templates are the operator's, the data in them is everybody's: data is never compiled, mappings have keys and no
methods, and no message holds a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import partial, wraps
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.errors import TemplateError
from jackfield.jsonpath import Document, Path, describe_gap

_JINJA_GLOBALS: Final = ("dict", "namespace", "range")


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

    def __init__(self, filters: Mapping[str, Callable[..., object]], variables: Mapping[str, object]) -> None:
        super().__init__(undefined=StrictUndefined, finalize=as_text, keep_trailing_newline=True)
        self.globals = {name: self.globals[name] for name in _JINJA_GLOBALS} | dict(variables)
        del self.filters["attr"]  # a dot does it, and a data-driven attribute name has no use
        self.filters |= filters
        self.filters = {name: _attributed(name, function) for name, function in self.filters.items()}
        self.filters |= {"default": _default, "d": _default, "tojson": _tojson}

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


def select(path: Path, document: Document) -> object:
    """Return what a path selects, `Nothing` if it selects nothing."""
    try:
        return path.find(document)
    except LookupError:
        return Nothing(partial(path.explain, document))


def as_json(value: object) -> JsonValue:
    """Copy a value that a template came to as plain JSON: iterables become lists, every text an exact `str`.

    Raises `UndefinedError` if it is undefined, or holds something undefined, and `TemplateError` if it is not JSON.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return [as_json(item) for item in value]
    raise TemplateError(f"it comes to a {type(value).__name__}, which JSON does not have; add a filter such as string")


def as_text(value: object) -> str:
    """Write a value into a text: strings and numbers as they are, null as nothing, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _tojson(value)


def _tojson(value: object, indent: int | None = None) -> str:
    return to_json(as_json(value), indent=indent).decode()


def _default(value: object, fallback: object = "", boolean: bool = False) -> object:  # noqa: FBT001, FBT002 - as Jinja's
    if isinstance(value, Withheld):
        raise UndefinedError(value._undefined_message)  # noqa: SLF001 - of this module's own class
    absent = value is None or isinstance(value, Undefined | Blank) or (boolean and not value)
    return fallback if absent else value


def _attributed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter's own exceptions say which filter it was. Their text is left out: it may quote the value."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (UndefinedError, TemplateError):
            raise
        except Exception as fault:  # noqa: BLE001 - filters are a plugin's
            kind = type(fault).__name__
            raise TemplateError(f"the filter {name} cannot take what it is given ({kind}); check its input") from None

    return call
