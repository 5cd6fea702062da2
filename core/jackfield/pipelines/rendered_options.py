"""A component's options: checked at load time as far as they are known then, in full once they are rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Generic

from pydantic import BaseModel, JsonValue, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from jackfield.components.options import OptionsModel, OptionsT
from jackfield.components.project_file import ProjectFile
from jackfield.components.response_template import ResponseTemplate, response_template_options
from jackfield.components.validation import RENDERED_WORDS, validation_problems
from jackfield.errors import TemplateError
from jackfield.problems import KeyPath, dotted
from jackfield.templates.engine import Template
from jackfield.templates.marked_options import Marked, marked_options
from jackfield.templates.url_options import UrlTemplate

_NOTHING_LATE: Final[Mapping[str, tuple[ResponseTemplate, Template]]] = MappingProxyType({})
_SECRET_FORMAT: Final = b'"format":"password"'


class RenderedOptions(Generic[OptionsT]):
    """The options of one step: rendered for an event, then validated in full.

    What has no template in it was validated once, when the pipeline was loaded, and is used as it is. Whoever makes
    many of one model finds its `secret_options` once, in its `OptionFacts`.
    """

    def __init__(
        self,
        model: type[OptionsT],
        template: Template,
        where: KeyPath,
        fixed: OptionsT | None,
        late: Mapping[str, tuple[ResponseTemplate, Template]] = _NOTHING_LATE,
        *,
        secret_options: Sequence[str] | None = None,
    ) -> None:
        self._model = model
        self._template = template
        self._where = where
        self._fixed = fixed
        self._late = late
        self._secret_options = OptionFacts.of(model).secret if secret_options is None else secret_options

    def render(self, document: Mapping[str, JsonValue]) -> OptionsT:
        """Return the options for this document. Raises `TemplateError` if they cannot be rendered or are wrong."""
        if self._fixed is not None:
            return self._fixed
        raw = self._template.render(document)
        if self._late and isinstance(raw, dict):
            raw |= {name: late.bound(template, document) for name, (late, template) in self._late.items()}  # type: ignore[misc]
        try:
            return self._model.model_validate(raw)
        except ValidationError as error:
            found = validation_problems(error, raw if isinstance(raw, dict) else {}, self._model, words=RENDERED_WORDS)
            said = (f"{dotted((*self._where, *problem.key))}: {problem.message}" for problem in found)
            raise TemplateError("; ".join(said)) from None

    def secrets(self, options: OptionsModel) -> Iterator[str]:
        """Find the values of secret options among rendered ones."""
        return secret_values([getattr(options, name) for name in self._secret_options])


@dataclass(frozen=True, slots=True)
class OptionFacts:
    """What the types of a model say of its options: which may hold secrets, are late, or name URLs and files."""

    secret: Sequence[str]
    late: Mapping[str, type[ResponseTemplate]]
    urls: Marked | None
    files: Marked | None

    @classmethod
    def of(cls, model: type[BaseModel]) -> OptionFacts:
        """Look at a model. It takes milliseconds: each option is described as a JSON Schema."""
        secret = tuple(name for name, field in model.model_fields.items() if _may_hold_secrets(field))
        return cls(
            secret,
            response_template_options(model),
            marked_options(model, UrlTemplate),
            marked_options(model, ProjectFile),
        )


def secret_values(value: object) -> Iterator[str]:
    """Find every `SecretStr` in options, however deep."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secret_values([getattr(value, name) for name in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from secret_values(list(value.values()))
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from secret_values(item)


def _may_hold_secrets(field: FieldInfo) -> bool:
    return _SECRET_FORMAT in to_json(TypeAdapter(field.rebuild_annotation()).json_schema())
