"""Whether a component has words for people, in every language that it speaks."""
# ruff: noqa: S101 - these are tests: they assert

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jackfield.components.base import Action, Notifier, Source
from jackfield.components.values import Text


def assert_described(component: type[Source[Any] | Action[Any] | Notifier[Any]]) -> None:
    """It and every option, however deep, have words for people in every language that the component speaks."""
    title = component.title
    if component.description:
        assert_words(component.description, languages(title), "the description")
    for name, option in _options(component.Options):
        extra = option.json_schema_extra if isinstance(option.json_schema_extra, dict) else {}
        for language in languages(title):
            words: Any = extra.get(language, {})
            own = {"title": option.title, "description": option.description} if language == "en" else words
            for kind in ("title", "description"):
                assert own.get(kind), f"option {name} has no {kind} in the language {language!r}"


def _options(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, option in model.model_fields.items():
        yield option.alias or name, option
        for nested in _models(option.annotation):
            yield from _options(nested)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def languages(text: Text) -> set[str]:
    """The languages that a text is in."""
    return {"en"} if isinstance(text, str) else set(text)


def assert_words(text: Text, languages: set[str], what: str) -> None:
    """A text says something in all these languages; `what` is what the text is."""
    spoken = languages if isinstance(text, str) else {name for name, words in text.items() if words}
    assert text, f"{what} says nothing"
    assert languages <= spoken, f"{what} says nothing in {', '.join(sorted(languages - spoken))}"
