"""Looks at what a plugin offers, and says what of it cannot be used."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import pluggy
from jinja2.filters import FILTERS as JINJA_FILTERS
from pydantic import BaseModel

Filter: TypeAlias = Callable[..., object]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_FILTER_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class PluginErrors:
    """What is wrong with one plugin, collected while it is examined."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.traceback: str | None = None

    @property
    def summary(self) -> str | None:
        """All that is wrong, in one line; None if nothing is."""
        return "; ".join(self.messages) or None

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Keep anything that a plugin's code raises from going further; also `SystemExit`, or a panic in Rust."""
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - it is a plugin's code
            summary = traceback.TracebackException.from_exception(fault)
            self.messages.append(f"{what}: {type(fault).__name__}: {' '.join(str(summary).split())}")
            self.traceback = self.traceback or "".join(summary.format())


def usable_components(
    hook: pluggy.HookCaller, base: type, host_keys: frozenset[str], errors: PluginErrors
) -> list[Any]:
    """Ask a hook for classes, and keep those that can be used."""
    offered: list[Any] = []
    with errors.noted(f"{hook.name}() failed"):
        offered = [kind for answer in hook() for kind in answer]
    good: dict[Any, None] = {}
    for kind in offered:
        label = kind.__qualname__ if isinstance(kind, type) else f"an object of type {type(kind).__name__}"
        with errors.noted(f"{label} cannot be used"):
            found = list(_usability_errors(kind, base, host_keys))
            errors.messages += [f"{label} {message}" for message in found]
            if not found:
                good[kind] = None
    return list(good)


def _usability_errors(kind: Any, base: type, host_keys: frozenset[str]) -> Iterator[str]:
    """Say what keeps a class from being used as a source or an action."""
    if not (isinstance(kind, type) and issubclass(kind, base)):
        yield f"is not a subclass of {base.__name__}"
        return
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        yield f"does not implement {', '.join(missing)}"
    name = getattr(kind, "name", None)
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield f'has {name!r} for its name; write small words joined by dots, like "acme.send_letter"'
    title = getattr(kind, "title", None)
    if not (title and isinstance(title, str | Mapping)):
        yield 'has no title; write title = "..." or {"en": "...", "ru": "..."}'
    if not isinstance(getattr(kind, "description", ""), str | Mapping):
        yield 'has a description that is no text; write description = "..." or {"en": "...", "ru": "..."}'
    yield from _option_errors(getattr(kind, "Options", None), host_keys)


def _option_errors(options: Any, host_keys: frozenset[str]) -> Iterator[str]:
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        yield "has no Options; make it a subclass of OptionsModel"
        return
    if options.model_config.get("extra") != "forbid" or not options.model_config.get("frozen"):
        yield "has Options that can be changed or take unknown keys; make it a plain subclass of OptionsModel"
    names = options.model_fields.keys() | options.model_json_schema().get("properties", {}).keys()
    if taken := sorted(names & host_keys):
        yield f"has options that belong to the host: {', '.join(taken)}; rename them"


def usable_filters(hook: pluggy.HookCaller, errors: PluginErrors) -> dict[str, Filter]:
    """Ask a hook for filters, and keep those that can be used."""
    good: dict[str, Filter] = {}
    with errors.noted(f"{hook.name}() failed"):
        for name, function in [pair for answer in hook() for pair in answer.items()]:
            if not (isinstance(name, str) and _FILTER_NAME.fullmatch(name)):
                errors.messages.append(f"filter {name!r} has no name that a template can use")
            elif name in JINJA_FILTERS:
                errors.messages.append(f"filter {name!r} is one of Jinja's own; give it another name")
            elif not callable(function):
                errors.messages.append(f"filter {name!r} is not a function")
            else:
                good[name] = function
    return good
