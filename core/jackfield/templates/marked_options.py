"""Options whose types carry a marker, found in a model however deep they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel

_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Marked:
    """Where in a table of options the values are whose types carry a marker: it is `here`, or further `inside`."""

    here: object | None = None
    inside: Mapping[str, Marked] = field(default_factory=dict)

    def child(self, key: str | int) -> Marked | None:
        """Look one level deeper; `*` in `inside` is any key or index."""
        return self.inside.get(str(key)) or self.inside.get(_ANY)

    def at(self, keys: Iterable[str | int]) -> Marked | None:
        """Look as deep as these keys lead."""
        found: Marked | None = self
        for key in keys:
            found = found.child(key) if found else None
        return found


def marked_options(model: type[BaseModel], marker: type) -> Marked | None:
    """Find the options of a model, by the names that they have in a file, whose types carry a marker of this class."""
    return _in_model(model, marker, frozenset())


def _in_model(model: type[BaseModel], marker: type, above: frozenset[type]) -> Marked | None:
    if model in above:
        return None
    inside = {}
    for name, option in model.model_fields.items():
        here = _marker(option.metadata, marker)
        if found := _joined(here, _within(option.annotation, marker, above | {model})):
            inside[option.alias or name] = found
    return Marked(inside=inside) if inside else None


def _within(annotation: Any, marker: type, above: frozenset[type]) -> Iterator[Marked]:
    annotation = getattr(annotation, "__value__", annotation)  # of `type Name = ...`
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if found := _in_model(annotation, marker, above):
            yield found
    elif origin is Annotated:
        if found_here := _marker(arguments[1:], marker):
            yield Marked(here=found_here)
        yield from _within(arguments[0], marker, above)
    elif isinstance(origin, type) and issubclass(origin, Collection):
        if items := _joined(None, (one for part in arguments for one in _within(part, marker, above))):
            yield Marked(inside={_ANY: items})
    else:
        for part in arguments:
            yield from _within(part, marker, above)


def _joined(here: object | None, found: Iterator[Marked]) -> Marked | None:
    inside: dict[str, Marked] = {}
    for one in found:
        here = here or one.here
        for name, deeper in one.inside.items():
            inside[name] = _joined(None, iter((inside[name], deeper))) or deeper if name in inside else deeper
    return Marked(here, inside) if here or inside else None


def _marker(metadata: Iterable[object], marker: type) -> object | None:
    return next((one for one in metadata if isinstance(one, marker)), None)
