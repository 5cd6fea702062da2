"""Jackfield plugin: webhooks of any sender, signed or not, and Tilda's forms; notices as a webhook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackfield import Notifier, Source, hookimpl
from jackfield_webhook.generic import Generic
from jackfield_webhook.notifier import WebhookNotifier
from jackfield_webhook.tilda import Tilda


@hookimpl
def register_sources() -> Iterable[type[Source[Any]]]:
    """Offer the sources of this plugin."""
    return (Generic, Tilda)


@hookimpl
def register_notifiers() -> Iterable[type[Notifier[Any]]]:
    """Offer the notifier of this plugin."""
    return (WebhookNotifier,)
