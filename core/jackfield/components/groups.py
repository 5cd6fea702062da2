"""Groups of options: those of which one may be given at most, and those of which one has to be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Groups: TypeAlias = Sequence[Sequence[str]]
"""Groups of options, by the names that they have in a file."""

EXCLUSIVE: Final = "exclusive"
AT_LEAST_ONE: Final = "at_least_one"
"""The types of errors about groups. They are about what is written down, so no template can make them right."""


def check_groups(
    exclusive: Groups, at_least_one: Groups, given: Mapping[str, Any], validate: Callable[[Mapping[str, Any]], object]
) -> None:
    """Raise ValidationError for groups that are not as they should be, with what `validate` has against the rest."""
    surplus = {mistake["loc"][0]: mistake for mistake in _surplus(exclusive, given)}
    mistakes = [*surplus.values(), *_missing(at_least_one, given)]
    if not mistakes:
        return
    if surplus:
        try:
            validate({name: given[name] for name in given if name not in surplus})
        except ValidationError as error:
            found = error.errors(include_url=False)
            mistakes += [_again(one) for one in found if (one["type"], one["loc"]) != (AT_LEAST_ONE, ())]
    raise ValidationError.from_exception_data("options", mistakes)


def schema_rules(exclusive: Groups, at_least_one: Groups) -> list[dict[str, Any]]:
    """Say the same in the words of JSON Schema."""
    pairs = (pair for group in exclusive for pair in combinations(group, 2))
    apart = [{"not": {"required": list(pair)}} for pair in pairs]
    return [*apart, *({"anyOf": [{"required": [name]} for name in group]} for group in at_least_one)]


def _surplus(groups: Groups, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    for group in groups:
        names = [name for name in given if name in group]
        for name in names[1:]:
            error = PydanticCustomError(EXCLUSIVE, "give {which}", {"which": _only_one(names)})
            yield {"type": error, "loc": (name,), "input": given[name]}


def _missing(groups: Groups, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    for group in groups:
        if not any(name in given for name in group):
            error = PydanticCustomError(AT_LEAST_ONE, "give {which}", {"which": _listed(group, "or")})
            yield {"type": error, "loc": (), "input": given}


def _again(found: ErrorDetails) -> InitErrorDetails:
    """Make an error anew, of the same type and with the same context, whatever that is."""
    context = {**found.get("ctx", {}), "said": found["msg"]}
    return {"type": PydanticCustomError(found["type"], "{said}", context), "loc": found["loc"], "input": found["input"]}


def _only_one(names: Collection[str]) -> str:
    return f"either {' or '.join(names)}, not both" if len(names) == 2 else f"only one of {_listed(names, 'and')}"  # noqa: PLR2004


def _listed(names: Collection[str], word: str) -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
