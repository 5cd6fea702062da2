"""What an options model lets one fill in, read out of its JSON Schema: options, and the shapes that each may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, JsonValue

from jackfield.components.option_schema import model_schema
from jackfield.components.values import Text

Kind: TypeAlias = Literal[
    "text", "number", "switch", "choice", "const", "list", "rows", "group", "items", "json", "secret"
]

SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})
_DEEPEST: Final = 4
_MODELS_REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of a value, and how it is filled in.

    `scalars` are the JSON types that what is typed may become, `choices` what it may be, `typed` says that the values
    of rows may be other than text, `pairs` that a name may be repeated in them. `options` are those of a table, or of
    the tables in a list or a table of them.
    """

    kind: Kind
    label: Text = ""
    scalars: frozenset[str] = frozenset()
    choices: tuple[JsonValue, ...] = ()
    typed: bool = False
    pairs: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is called, and the shapes that its value may have, the usual one first."""

    name: str
    title: Text
    hint: Text
    shapes: tuple[Shape, ...]
    required: bool = False
    default: JsonValue = None
    examples: tuple[JsonValue, ...] = field(default=())


@lru_cache(_MODELS_REMEMBERED)
def read_options(model: type[BaseModel]) -> tuple[Option, ...]:
    """Read the options of a model, in its order."""
    schema = model_schema(model)
    secret = frozenset(_secrets(model.model_json_schema(by_alias=True, mode="serialization")))
    return _Reader(schema.get("$defs", {}), secret).options("", schema, 0)


class _Reader:
    def __init__(self, definitions: Mapping[str, Any], secret: frozenset[tuple[str, str]]) -> None:
        self._definitions = definitions
        self._secret = secret

    def options(self, model: str, schema: Mapping[str, Any], depth: int) -> tuple[Option, ...]:
        required = schema.get("required", ())
        return tuple(
            Option(
                name=name,
                title=_words(one, "title", self._model_title(one) or name),
                hint=_words(one, "description", ""),
                shapes=self._shapes(one, depth, secret=(model, name) in self._secret),
                required=name in required,
                default=one.get("default"),
                examples=tuple(one.get("examples") or ()),
            )
            for name, one in schema.get("properties", {}).items()
        )

    def _model_title(self, schema: Mapping[str, Any]) -> str:
        """Return the title of an option's model: pydantic leaves the option's own out where it is the same."""
        model = schema.get("$ref", "").rpartition("/")[2]
        return str(self._definitions.get(model, {}).get("title", ""))

    def _shapes(self, schema: Mapping[str, Any], depth: int, *, secret: bool) -> tuple[Shape, ...]:
        parts = [*self._alternatives(schema)]
        parts = [(model, part) for model, part in parts if part.get("type") != "null"]
        if secret and not any("properties" in part for _, part in parts):
            return (Shape("secret", scalars=frozenset({"string"})),)
        nullable = len(parts) < len([*self._alternatives(schema)])
        return tuple(_merged([self._shape(model, part, depth) for model, part in parts], nullable=nullable))

    def _alternatives(self, schema: Mapping[str, Any], model: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
        if reference := schema.get("$ref"):
            name = reference.rpartition("/")[2]
            yield from self._alternatives(self._definitions.get(name, {}), name)
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            for choice in choices:
                yield from self._alternatives(choice)
        else:
            yield model, schema

    def _shape(self, model: str, schema: Mapping[str, Any], depth: int) -> Shape:
        kind = schema.get("type")
        if "const" in schema or "enum" in schema:
            fixed = "const" in schema
            choices = (schema["const"],) if fixed else tuple(schema["enum"])
            return Shape("const" if fixed else "choice", str(choices[0]), choices=choices)
        if kind in SCALARS:
            return Shape("text", scalars=frozenset({kind}))
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object" and "properties" in schema and depth < _DEEPEST:
            label = _words(schema, "description", schema.get("title", model))
            return Shape("group", label, options=self.options(model, schema, depth + 1))
        if kind != "object":
            return Shape("json")
        inside = schema.get("additionalProperties")
        texts = isinstance(inside, Mapping) and inside.get("type") == "string"
        return Shape("rows", typed=not texts, options=self._options_inside(inside, depth))

    def _options_inside(self, schema: Any, depth: int) -> tuple[Option, ...]:
        """Return the options of the tables in a list or a table of tables."""
        parts = self._alternatives(schema) if isinstance(schema, Mapping) and depth < _DEEPEST else ()
        tables = [(model, part) for model, part in parts if "properties" in part]
        return tuple(option for model, part in tables for option in self.options(model, part, depth + 1))

    def _array(self, schema: Mapping[str, Any], depth: int) -> Shape:
        items = schema.get("items", {})
        if "prefixItems" in items:
            return Shape("rows", typed=True, pairs=True)
        inside = [part for _, part in self._alternatives(items)]
        kinds = {part.get("type") for part in inside}
        if inside and kinds <= SCALARS:
            choices = tuple(choice for part in inside for choice in part.get("enum", ()))
            return Shape("list", scalars=frozenset(map(str, kinds)), choices=choices)
        tables = [part for part in inside if "properties" in part]
        kind: Kind = "items" if len(tables) == len(inside) == 1 and depth < _DEEPEST else "json"
        return Shape(kind, "list", options=self._options_inside(items, depth))


def _merged(shapes: Sequence[Shape], *, nullable: bool) -> Iterator[Shape]:
    """Make the fewest shapes of all alternatives: one field takes text and numbers, one a table and a list of pairs."""
    by_kind: dict[str, list[Shape]] = {}
    for shape in shapes:
        by_kind.setdefault(shape.kind, []).append(shape)
    yield from by_kind.get("const", ()) if len(by_kind) > 1 else ()
    texts, lists, choices = (by_kind.get(kind, []) for kind in ("text", "list", "choice"))
    scalars = frozenset().union(*(shape.scalars for shape in (*texts, *lists)))
    if lists:
        yield replace(lists[0], scalars=scalars)
    elif texts:
        yield replace(_scalar(scalars, nullable=nullable), scalars=scalars)
    elif choices or [*by_kind] == ["const"]:
        every = choices or by_kind["const"]
        yield Shape("choice", choices=tuple(one for shape in every for one in shape.choices))
    if rows := by_kind.get("rows"):
        yield replace(rows[0], typed=any(row.typed for row in rows), pairs=any(row.pairs for row in rows))
    yield from by_kind.get("group", ())
    yield from by_kind.get("items", ())
    if free := by_kind.get("json"):
        if not any(shape.label for shape in free):
            yield Shape("rows", typed=True)
        yield replace(free[0], label="")


def _scalar(scalars: frozenset[str], *, nullable: bool) -> Shape:
    if scalars == {"boolean"}:
        return Shape("choice", choices=(True, False)) if nullable else Shape("switch")
    return Shape("number" if scalars <= {"integer", "number"} else "text")


def _words(schema: Mapping[str, Any], what: str, otherwise: str) -> Text:
    english = str(schema.get(what) or otherwise)
    russian = schema.get("ru", {}).get(what)
    return {"en": english, "ru": str(russian)} if russian else english


def _secrets(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the options that hold secrets, as (model, option): serialised, they say so whatever else they take."""
    for model, described in {"": schema, **schema.get("$defs", {})}.items():
        for name, one in described.get("properties", {}).items():
            if _has_password(one):
                yield model, name


def _has_password(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return schema.get("format") == "password" or any(map(_has_password, schema.values()))
    return isinstance(schema, list) and any(map(_has_password, schema))
