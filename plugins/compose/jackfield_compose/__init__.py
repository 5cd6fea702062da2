"""Jackfield plugin: actions that form data, choose, and end runs that are not wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Action, hookimpl
from jackfield_compose.filter import Filter
from jackfield_compose.form import ComposeForm
from jackfield_compose.json import ComposeJson
from jackfield_compose.set import Set
from jackfield_compose.text import ComposeText


@hookimpl
def register_actions() -> Iterable[type[Action[Any]]]:
    """Offer the actions of this plugin."""
    return (ComposeJson, ComposeForm, ComposeText, Filter, Set)
