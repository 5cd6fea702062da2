"""What the templates at one place may use: which secrets, which steps, and whether there is an event yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from jackfield.problems import KeyPath, did_you_mean
from jackfield.templates.engine import Template
from jackfield.templates.paths.path import Document, Path


class _Anything(dict[str, JsonValue]):
    """Stands for data that is not known before a run: whatever is looked up in it is there."""

    def __missing__(self, key: str) -> JsonValue:
        return self


_ANYTHING: Final = _Anything()


@dataclass(frozen=True, slots=True)
class Scope:
    """What the templates at one place may use.

    `steps` are those that have run by then. Without `event`, nothing of the run's document is there.
    With `response`, there is an answer as well. What is `public` is told to whoever calls, so no secret is for it.
    """

    secrets: Collection[str]
    steps: Collection[str] = ()
    event: bool = True
    response: bool = False
    public: bool = False

    def mistakes(self, template: Template) -> Iterator[str]:
        """Name what a template uses and there cannot be at any run. Only a run can tell about the event's own keys."""
        for name in sorted(template.secrets.difference(self.secrets)):
            message = f"secret {name} is not set; put it into secrets.toml or JACKFIELD_SECRET_{name}"
            yield message + did_you_mean(name, self.secrets)
        if self.public:
            for name in sorted(template.secrets):
                yield f"secret {name} would be told to whoever calls the webhook; take it out of the reply"
        mistakes = {mistake for path in template.paths if (mistake := self._mistake(path))}
        yield from sorted(mistakes)

    def _mistake(self, path: Path) -> str | None:
        if not self.event:
            remedy = "this is set up before there is any event; write the value itself, or secret.NAME"
            return f"{path.text} is not known here: {remedy}"
        match path.keys:
            case ("steps", str(name), *_) if name not in self.steps:
                return f"$.steps.{name} is not an earlier step{did_you_mean(name, self.steps)}"
            case ("response", *_) if not self.response:
                return f"{path.text} is not there before the answer; in a later step write $.steps and this step's name"
        document = self._document()
        try:
            if path.singular:
                path.find(document)
        except LookupError:
            return path.explain(document)
        return None

    def _document(self) -> Document:
        """Make the document of any run, as far as it is the same for all."""
        return {
            "event": _ANYTHING,
            "steps": dict.fromkeys(self.steps, _ANYTHING),
            "run": {"id": "", "received_at": "", "attempt": 1},
            "pipeline": {"id": "", "title": _ANYTHING},
            **({"response": _ANYTHING} if self.response else {}),
        }


def leaves(value: JsonValue, where: KeyPath) -> Iterator[tuple[KeyPath, JsonValue]]:
    """Take a nesting apart, so that each template is by itself: single values, and tables with only their keys."""
    if isinstance(value, dict):
        yield where, dict.fromkeys(value)
        for key, item in value.items():
            yield from leaves(item, (*where, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*where, index))
    else:
        yield where, value
