"""The fields of a form: what each shows of a draft, under which name it comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from pydantic_core import to_json

from jackfield.masking import MASKED
from jackfield.problems import KeyPath, dotted
from jackfield.templates.engine import is_template
from jackfield.web.forms.option_shapes import Option, Shape
from jackfield.web.forms.secret_placeholders import NAMED_SECRET, is_kept

MISSING: Final = object()
"""What stands for the value of an option that is not given."""
_LONG: Final = 60
_ENDS_OF_LINES: Final = frozenset("\0\n\r")


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of a table: its name, and its value as text, or as JSON where it is none."""

    key: str = ""
    value: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `value` is what is shown of the draft, and what comes back if nobody changes it.

    `kind` is how it is filled in: that of its shape, `template` where a template stands in for a value of another
    shape, `kept` where the file has what no field can show.
    """

    path: KeyPath
    option: Option
    shape: int
    kind: str
    value: str = ""
    given: bool = False
    rows: tuple[Row, ...] = ()
    fields: tuple[Field, ...] = ()
    unknown: tuple[str, ...] = ()
    """Keys of a table that its model does not know: they are kept."""
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in a form."""
        return field_name(self.path)

    @property
    def path_of_table(self) -> str:
        """The name of the table that it is in."""
        return field_name(self.path[:-1])

    @property
    def id(self) -> str:
        """What it is called in a page."""
        return field_id(dotted(self.path))

    @property
    def described_by(self) -> str:
        """The ids of what describes it in a page."""
        return f"{self.id}-hint {self.id}-wrong" if self.problems else f"{self.id}-hint"

    @property
    def shapes(self) -> Sequence[Shape]:
        """The shapes that its value may have."""
        return self.option.shapes

    @property
    def chosen(self) -> Shape:
        """The shape that it has."""
        return self.option.shapes[self.shape]

    @property
    def wrong(self) -> bool:
        """Whether something is wrong with it, or with a field in it."""
        return bool(self.problems) or any(field.wrong for field in self.fields)

    @property
    def default(self) -> str:
        """What holds if it is left empty, for people to see."""
        value = self.option.default
        if isinstance(value, list):
            return ", ".join(map(shown, value))
        return "" if value in (None, "", {}) else shown(value)

    @property
    def lines(self) -> int:
        """How many lines it needs."""
        return min(12, sum(1 + len(line) // _LONG for line in self.value.split("\n")))

    def each(self) -> Iterable[Field]:
        """Go through it and all fields in it."""
        yield self
        for field in self.fields:
            yield from field.each()


def field_name(path: KeyPath) -> str:
    """Name a field: the path of its key, so that any key can be in it."""
    return json.dumps(path, ensure_ascii=False, separators=(",", ":"))


def field_id(key: str) -> str:
    """Make the id of a field out of its dotted key."""
    return "f-" + quote(key, safe="[]")


def make_fields(
    options: Sequence[Option], table: Mapping[str, Any], path: KeyPath, shapes: Mapping[str, int]
) -> tuple[Field, ...]:
    """Make the fields of a table. `shapes` says which shape was chosen where, by the field's name."""
    return tuple(make_field(one, table.get(one.name, MISSING), (*path, one.name), shapes) for one in options)


def make_field(option: Option, value: Any, path: KeyPath, shapes: Mapping[str, int]) -> Field:
    """Make the field of one option."""
    fitting = best_shape(option.shapes, value)
    chosen = shapes.get(field_name(path), fitting if fitting is not None else 0)
    if not 0 <= chosen < len(option.shapes):
        chosen = 0
    field = Field(path, option, chosen, option.shapes[chosen].kind, given=value is not MISSING)
    if value is not MISSING and fitting is None:
        if isinstance(value, str) and "\0" not in value:
            return replace(field, kind="template", value=value)
        return replace(field, kind="kept", value=shown(value))
    fits = value is not MISSING and fit(option.shapes[chosen], value) > 0
    return _filled(field, value if fits else MISSING, shapes)


def _filled(field: Field, value: Any, shapes: Mapping[str, int]) -> Field:
    shape = field.chosen
    if shape.kind == "group":
        table = value if value is not MISSING else {}
        known = {option.name for option in shape.options}
        fields = make_fields(shape.options, table, field.path, shapes)
        return replace(field, fields=fields, unknown=tuple(key for key in table if key not in known))
    if shape.kind == "items":
        return replace(field, fields=tuple(_items(field, value if value is not MISSING else [], shapes)))
    if shape.kind == "rows":
        return replace(field, rows=tuple(rows_of(value)))
    if shape.kind == "switch" and value is MISSING:
        value = field.option.default
    if value is MISSING:
        return field
    if shape.kind == "switch" and isinstance(value, str):
        return replace(field, kind="template", value=value)
    return replace(field, value=_text(shape, value))


def _items(field: Field, tables: Sequence[Any], shapes: Mapping[str, int]) -> Iterable[Field]:
    """Make a group of fields for each table of a list."""
    inside = (Shape("group", options=field.chosen.options),)
    for index, table in enumerate(tables):
        option = Option(str(index), field.option.title, "", inside, required=True)
        group = Field((*field.path, index), option, 0, "group", given=True)
        yield _filled(group, table, shapes)


def _text(shape: Shape, value: Any) -> str:
    if shape.kind == "list" and isinstance(value, list):
        return "\n".join(shown(item) for item in value)
    if shape.kind == "json":
        return json_text(value)
    if shape.kind == "secret" and not is_template(value):
        return MASKED
    return shown(value)


def rows_of(value: Any) -> Iterable[Row]:
    """Show a table, or a list of pairs, as rows."""
    if value is MISSING:
        return
    for key, item in value.items() if isinstance(value, Mapping) else value:
        yield Row(key, one_line_end(item)) if isinstance(item, str) else Row(key, json_text(item), json=True)


def one_line_end(text: str) -> str:
    """Make all line ends line feeds: browsers send every line end as CR LF, whatever it was."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def json_text(value: Any) -> str:
    """Show a value as JSON; one template, as it is."""
    if isinstance(value, str) and value.startswith("{{"):
        return value
    small = not isinstance(value, dict | list) or len(to_json(value)) <= _LONG
    return to_json(value, indent=None if small else 2).decode()


def shown(value: Any) -> str:
    """Show one value."""
    return value if isinstance(value, str) else to_json(value, fallback=str).decode()


def best_shape(shapes: Sequence[Shape], value: Any) -> int | None:
    """Choose the shape that a value has; None if it has none of them."""
    scores = [0 if value is MISSING else fit(shape, value) for shape in shapes]
    best = max(range(len(shapes)), key=lambda index: scores[index])
    return best if scores[best] > 0 else None


def fit(shape: Shape, value: Any) -> int:
    """Say how well a shape can show a value, 0 if it cannot."""
    if isinstance(value, str) and "\0" in value:  # a page cannot have it
        return 0
    return int(_FITS[shape.kind](shape, value))


def _fits_group(shape: Shape, value: Any) -> int:
    if not isinstance(value, dict):
        return 0
    known = {option.name for option in shape.options}
    return 1 + max(0, 2 * len(known & value.keys()) - len(value.keys() - known))


def _fits_list(_: Shape, value: Any) -> int:
    items = value if isinstance(value, list) else [value]
    return 2 * all(isinstance(item, str | int | float) and not _ENDS_OF_LINES & set(str(item)) for item in items)


_FITS: Final[Mapping[str, Callable[[Shape, Any], int]]] = {
    **dict.fromkeys(("text", "number", "choice"), lambda _, value: 2 * isinstance(value, str | int | float)),
    "const": lambda shape, value: 3 * (value in shape.choices),
    "switch": lambda _, value: 2 * isinstance(value, bool | str),
    "secret": lambda _, value: 2 * isinstance(value, str),
    "list": _fits_list,
    "rows": lambda _, value: 2 * (_is_pairs(value) and _is_showable(value)),
    "group": _fits_group,
    "items": lambda _, value: 2 * (isinstance(value, list) and all(isinstance(item, dict) for item in value)),
    "json": lambda _, value: int(_is_showable(value)),
}


def _is_pairs(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_key, value))
    pairs = isinstance(value, list) and bool(value)
    return pairs and all(isinstance(pair, list) and len(pair) == 2 and _is_key(pair[0]) for pair in value)  # noqa: PLR2004


def _is_key(value: Any) -> bool:
    """Tell whether a field of one line can show a name as it is."""
    return isinstance(value, str) and value != "" and not _ENDS_OF_LINES & set(value)


def _is_showable(value: Any) -> bool:
    """Tell whether a page can have everything that is in a value: no NUL."""
    if isinstance(value, Mapping):
        return all(map(_is_showable, (*value, *value.values())))
    return all(map(_is_showable, value)) if isinstance(value, list) else not (isinstance(value, str) and "\0" in value)


def secret_state(field: Field) -> tuple[str, str]:
    """Say how a secret is given: the name of one, or `kept` or `other` with its text."""
    if not field.value:
        return "", ""
    if field.value == MASKED or is_kept(field.value):
        return "kept", ""
    named = NAMED_SECRET.fullmatch(field.value)
    return (named[1], "") if named else ("other", field.value)
