"""GetCourse for Jackfield: sources for what it sends, actions that write to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Action, Source, hookimpl
from jackfield_getcourse.actions import ImportDeal, ImportUser
from jackfield_getcourse.orders import OrderCreated, OrderPaid
from jackfield_getcourse.user_created import UserCreated


@hookimpl
def register_sources() -> Iterable[type[Source[Any]]]:
    """Offer the sources of this plugin."""
    return (UserCreated, OrderCreated, OrderPaid)


@hookimpl
def register_actions() -> Iterable[type[Action[Any]]]:
    """Offer the actions of this plugin."""
    return (ImportUser, ImportDeal)
