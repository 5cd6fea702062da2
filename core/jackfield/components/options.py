"""Options of a component: the base class of their models, their titles, and groups that exclude each other.

A group names options of which a file may give one at most (`exclusive`), or must give one at least (`at_least_one`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError

Groups: TypeAlias = Sequence[Sequence[str]]
"""Groups of options, by the names that they have in a file."""

EXCLUSIVE: Final = "exclusive"
AT_LEAST_ONE: Final = "at_least_one"
"""The types of errors about groups. They are about what is written down, so no template can make them right."""


class OptionsModel(BaseModel):
    """The base of every options model: frozen, and a key that it does not know is an error.

    Give each field a title and a description, by `option()` in English and in Russian.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exclusive: ClassVar[Groups] = ()
    """Groups of options of each of which one may be given at most.

    An option is given if it is written down, whatever its value is or will be. So this is checked when a pipeline is
    loaded, which a validator of the whole model cannot do where there are templates in the options.
    """
    at_least_one: ClassVar[Groups] = ()
    """The same for groups of each of which one must be given at least; a group in both needs exactly one."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Raise TypeError for a group that names an option which is not there: it would mean nothing."""
        known = {field.alias or name for name, field in cls.model_fields.items()}
        named = {name for group in (*cls.exclusive, *cls.at_least_one) for name in group}
        if unknown := sorted(named - known):
            raise TypeError(f"{cls.__name__} has a group with {unknown[0]} in it, which is no option of it")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> dict[str, Any]:
        """Describe the groups as well."""
        described = handler(schema)
        if rules := _schema_rules(cls.exclusive, cls.at_least_one):
            handler.resolve_ref_schema(described)["allOf"] = rules
        return described

    @model_validator(mode="before")
    @classmethod
    def _keep_to_groups(cls, given: Any) -> Any:
        if (cls.exclusive or cls.at_least_one) and isinstance(given, Mapping):
            _check_groups(cls.exclusive, cls.at_least_one, given, cls.model_validate)
        return given


OptionsT = TypeVar("OptionsT", bound=OptionsModel)


def option(
    english: tuple[str, str], russian: tuple[str, str], *, examples: list[Any] | None = None, **more: Any
) -> Any:
    """Describe an option: its title and its description, in English and in Russian.

    The pages' forms, `jackfield plugins NAME` and the JSON Schema show them. It is pydantic's `Field()`, which takes
    `examples` and all `more`.
    """
    words: dict[str, Any] = {"ru": {"title": russian[0], "description": russian[1]}}
    return Field(title=english[0], description=english[1], examples=examples, json_schema_extra=words, **more)


def _check_groups(
    exclusive: Groups, at_least_one: Groups, given: Mapping[str, Any], validate: Callable[[Mapping[str, Any]], object]
) -> None:
    """Raise ValidationError for groups that are not as they should be, with what `validate` has against the rest."""
    surplus = {error["loc"][0]: error for error in _surplus(exclusive, given)}
    errors = [*surplus.values(), *_missing(at_least_one, given)]
    if not errors:
        return
    if surplus:
        try:
            validate({name: given[name] for name in given if name not in surplus})
        except ValidationError as error:
            found = error.errors(include_url=False)
            errors += [_again(one) for one in found if (one["type"], one["loc"]) != (AT_LEAST_ONE, ())]
    raise ValidationError.from_exception_data("options", errors)


def _schema_rules(exclusive: Groups, at_least_one: Groups) -> list[dict[str, Any]]:
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
