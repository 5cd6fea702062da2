"""The plugin interface of Jackfield: everything that a plugin may import, and nothing else."""

from pydantic import JsonValue

from jackfield.components.base import Action, ActionContext, Notifier, OptionsModel, Source, WebhookSource
from jackfield.components.content_type import declared_charset, is_json_type
from jackfield.components.plugins.hookspecs import hookimpl
from jackfield.components.project_file import ProjectFile
from jackfield.components.response_template import LateExpression, LateTemplate
from jackfield.components.units import Duration, Size
from jackfield.components.values import (
    Event,
    Field,
    JsonObject,
    Notice,
    NoticeKind,
    Route,
    Step,
    Text,
    WebhookReply,
    WebhookRequest,
)
from jackfield.components.wording import about
from jackfield.errors import (
    DestinationRefused,
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
    "Field",
    "JackfieldError",
    "JsonObject",
    "JsonPath",
    "JsonValue",
    "LateExpression",
    "LateTemplate",
    "Malformed",
    "Notice",
    "NoticeKind",
    "Notifier",
    "OptionsModel",
    "PermanentFailure",
    "ProjectFile",
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
    "about",
    "declared_charset",
    "hookimpl",
    "is_json_type",
]
