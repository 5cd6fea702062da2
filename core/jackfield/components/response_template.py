"""Late templates: options that an action renders by itself, once it has an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, JsonValue
from pydantic_core import core_schema

from jackfield.errors import TemplateError
from jackfield.templates.engine import Template
from jackfield.templates.paths.path import Document


class ResponseTemplate:
    """A type for options: a text with templates in it, which the action renders when it has the answer.

    Such an option stands at the top of an options model. It is compiled and checked when the pipeline is loaded;
    `$.response` is what the action renders it with, beside the run's document.
    """

    expression = False
    """Whether it must be one expression in braces, and so gives a value of any type."""

    __slots__ = ("_document", "_template", "text")

    def __init__(self, text: str, template: Template | None = None, document: Document | None = None) -> None:
        self.text = text
        self._template = template
        self._document = document

    def bound(self, template: Template, document: Document) -> Self:
        """Return the same, ready to be rendered. For the host and `jackfield.testing`."""
        return type(self)(self.text, template, document)

    def render(self, *, response: JsonValue) -> JsonValue:
        """Return the value for this run and this answer.

        Raises `TemplateError`, which names the option, if it cannot be rendered: let it pass, and the run fails.
        """
        if self._template is None or self._document is None:
            raise TemplateError("a late template can be rendered in a run only")
        return self._template.render({**self._document, "response": response})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Take a text, or what the host has made of it already."""

        def read(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> ResponseTemplate:
            return value if isinstance(value, cls) else cls(inner(value))

        return core_schema.no_info_wrap_validator_function(read, core_schema.str_schema())


class ResponseExpression(ResponseTemplate):
    """The same, but one expression in braces: its value keeps its type."""

    expression = True

    __slots__ = ()


def response_template_options(model: type[BaseModel]) -> dict[str, type[ResponseTemplate]]:
    """Find the late templates of a model by the names that they have in a file."""
    found = ((field.alias or name, next(_late(field.annotation), None)) for name, field in model.model_fields.items())
    return {name: kind for name, kind in found if kind is not None}


def _late(annotation: object) -> Iterator[type[ResponseTemplate]]:
    if isinstance(annotation, type) and issubclass(annotation, ResponseTemplate):
        yield annotation
    for argument in get_args(annotation):
        yield from _late(argument)
