"""The plugin interface of Jackfield: everything that a plugin may import, and nothing else."""

from pydantic import JsonValue

from jackfield.charsets import declared_charset, is_json_type
from jackfield.components import Action, ActionContext, Notifier, OptionsModel, Source, WebhookSource
from jackfield.errors import (
    DestinationRefused,
    JackfieldError,
    Malformed,
    PermanentFailure,
    Skip,
    TemporaryFailure,
    Unauthorized,
)
from jackfield.hookspecs import hookimpl
from jackfield.late import LateExpression, LateTemplate
from jackfield.models import (
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
from jackfield.project_file import ProjectFile
from jackfield.templates.paths.query import Query as JsonPath
from jackfield.templates.url_options import Url, UrlTemplate
from jackfield.units import Duration, Size
from jackfield.wording import about

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
