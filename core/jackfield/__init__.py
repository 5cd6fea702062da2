"""The plugin interface of Jackfield: everything that a plugin may import, and nothing else."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from jackfield.components.base import Action, ActionContext, Notifier, Source, WebhookSource
from jackfield.components.content_type import declared_charset, is_json_type
from jackfield.components.options import OptionsModel, option
from jackfield.components.plugins.hookspecs import hookimpl
from jackfield.components.project_file import ProjectFile
from jackfield.components.response_template import ResponseExpression, ResponseTemplate
from jackfield.components.units import Duration, Size
from jackfield.components.values import (
    Event,
    EventField,
    JsonObject,
    Notice,
    NoticeKind,
    Route,
    Step,
    Text,
    WebhookReply,
    WebhookRequest,
)
from jackfield.errors import (
    DestinationRefused,
    JackfieldDeprecationWarning,
    JackfieldError,
    Malformed,
    PermanentFailure,
    Skip,
    TemporaryFailure,
    Unauthorized,
)
from jackfield.templates.paths.query import Query as JsonPath
from jackfield.templates.url_options import Url, UrlTemplate

__all__ = [
    "Action",
    "ActionContext",
    "DestinationRefused",
    "Duration",
    "Event",
    "EventField",
    "JackfieldDeprecationWarning",
    "JackfieldError",
    "JsonObject",
    "JsonPath",
    "JsonValue",
    "Malformed",
    "Notice",
    "NoticeKind",
    "Notifier",
    "OptionsModel",
    "PermanentFailure",
    "ProjectFile",
    "ResponseExpression",
    "ResponseTemplate",
    "Route",
    "Size",
    "Skip",
    "Source",
    "Step",
    "TemporaryFailure",
    "Text",
    "Unauthorized",
    "Url",
    "UrlTemplate",
    "WebhookReply",
    "WebhookRequest",
    "WebhookSource",
    "declared_charset",
    "hookimpl",
    "is_json_type",
    "option",
]

_RENAMED: Final = {
    "Field": "EventField",
    "LateExpression": "ResponseExpression",
    "LateTemplate": "ResponseTemplate",
    "about": "option",
}

if not TYPE_CHECKING:  # a type checker is to know the new names only

    def __getattr__(name: str) -> Any:
        """Find a name by what it was called before, and warn whoever imports it."""
        if name not in _RENAMED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        message = f"jackfield.{name} is now called jackfield.{_RENAMED[name]}; import that name"
        warnings.warn(message, JackfieldDeprecationWarning, stacklevel=2)
        return globals()[_RENAMED[name]]
