"""The action `http_request` for Jackfield: one HTTP request to any API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Action, hookimpl
from jackfield_http_request.action import HttpRequest


@hookimpl
def register_actions() -> Iterable[type[Action[Any]]]:
    """Offer the actions of this plugin."""
    return (HttpRequest,)
