"""E-mail for Jackfield: notices to the operator, and the action `send_email`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Action, Notifier, hookimpl
from jackfield_email.action import SendEmail
from jackfield_email.notifier import EmailNotifier


@hookimpl
def register_actions() -> Iterable[type[Action[Any]]]:
    """Offer the actions of this plugin."""
    return (SendEmail,)


@hookimpl
def register_notifiers() -> Iterable[type[Notifier[Any]]]:
    """Offer the notifiers of this plugin."""
    return (EmailNotifier,)
