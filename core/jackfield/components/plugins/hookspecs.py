"""The hooks that a plugin may implement.

Each is called once at start-up, on each plugin by itself, and returns classes or functions. Events never pass
through a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pluggy

from jackfield.components.base import Action, Notifier, Source

PROJECT: Final = "jackfield"
ENTRY_POINT_GROUP: Final = "jackfield.plugins"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_sources() -> Iterable[type[Source[Any]]]:
    """Return the plugin's source classes."""
    raise AssertionError  # a specification is never called


@hookspec
def register_actions() -> Iterable[type[Action[Any]]]:
    """Return the plugin's action classes."""
    raise AssertionError


@hookspec
def register_notifiers() -> Iterable[type[Notifier[Any]]]:
    """Return the plugin's notifier classes."""
    raise AssertionError


@hookspec
def register_filters() -> Mapping[str, Callable[..., object]]:
    """Return functions that templates may use as Jinja filters, by name."""
    raise AssertionError
