"""What came back of a form, made into changes of the draft: only what somebody changed is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import JsonValue
from starlette.datastructures import FormData

from jackfield.masking import MASKED
from jackfield.pipelines.editing.drafts import Draft
from jackfield.project.toml_edit import CannotEdit
from jackfield.templates.engine import is_template
from jackfield.web.forms.fields import MISSING, Field, Row, one_line_end, secret_state
from jackfield.web.forms.option_shapes import Shape
from jackfield.web.forms.pipeline_form import PipelineForm

NOT_JSON: Final = "json"
NO_TOML: Final = "toml"
REPEATED: Final = "repeated"
LAYOUT: Final = "layout"
"""Why what was filled in could not be taken over; the page has the words."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was filled in but cannot be a part of the draft: it is shown again as it was, with the reason."""

    reason: str
    value: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The draft with what was filled in, and what could not be taken over, by the field's name."""

    draft: Draft
    refused: Mapping[str, Refused]


def take_over(draft: Draft, filled: PipelineForm, form: FormData, shapes: Mapping[str, int]) -> Taken:
    """Change a draft to what came back of its form. `shapes` are those that the fields shall have from now on."""
    fields, orders = filled.fields, filled.orders
    refused: dict[str, Refused] = {}
    for field in _leaves(fields):
        if field.name not in form and f"{field.name}:k" not in form:
            continue
        try:
            draft = _taken(draft, field, form, orders)
        except _Unreadable as error:
            refused[field.name] = error.refused
        except (CannotEdit, RecursionError):
            refused[field.name] = Refused(LAYOUT, str(form.get(field.name, "")), tuple(rows_in(form, field)))
    return Taken(_with_constants(draft, fields, shapes), refused)


def _with_constants(draft: Draft, fields: Sequence[Field], shapes: Mapping[str, int]) -> Draft:
    """Give a field its value where a shape was chosen that has one only: there is nothing to fill in."""
    for field in (inner for outer in fields for inner in outer.each()):
        wanted = shapes.get(field.name, field.shape)
        if wanted != field.shape and wanted < len(field.shapes) and field.shapes[wanted].kind == "const":
            draft = draft.put(field.path, field.shapes[wanted].choices[0])
    return draft


class _Unreadable(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


def rows_in(form: FormData, field: Field) -> Iterator[Row]:
    """Read the rows of a field; those without a name are left out."""
    keys, values, kinds = (form.getlist(f"{field.name}:{part}") for part in "kvt")
    for key, value, kind in zip(keys, values, kinds, strict=False):
        if str(key) or str(value):
            yield Row(str(key), one_line_end(str(value)), json=kind == "json")


def _leaves(fields: Sequence[Field]) -> Iterator[Field]:
    for field in fields:
        if field.kind in {"group", "items"}:
            yield from _leaves(field.fields)
        elif field.kind != "kept":
            yield field


def _taken(draft: Draft, field: Field, form: FormData, orders: Mapping[str, Sequence[str]]) -> Draft:
    order = orders.get(field.path_of_table, ())
    if field.kind == "rows":
        return _with_rows(draft, field, [*rows_in(form, field)], order)
    text = _secret(field, form) if field.kind == "secret" else one_line_end(str(form.getlist(field.name)[-1]))
    if text == one_line_end(field.value):
        return draft
    value = _value(field, text)
    plain = field.option.default in (value, [value])
    if value is MISSING or (plain and not field.option.required):
        return draft.drop(field.path) if field.given else draft
    return _put(draft, field, value, order)


def _put(draft: Draft, field: Field, value: Any, order: Sequence[str]) -> Draft:
    try:
        return draft.put(field.path, value, order)
    except ValueError:
        raise _Unreadable(Refused(NO_TOML, field.value)) from None


def _secret(field: Field, form: FormData) -> str:
    """Read how a secret is given: what is typed goes before what is chosen, unless it was there already."""
    chosen, typed = str(form.getlist(field.name)[-1]), one_line_end(str(form.get(f"{field.name}:other", "")))
    before, other = secret_state(field)
    if typed and typed != other:
        return typed
    if chosen == before:
        return field.value if chosen != "other" else typed
    if chosen in {"", "kept", "other"}:
        return {"": "", "kept": MASKED, "other": typed}[chosen]
    return f"{{{{ secret.{chosen} }}}}"


def _value(field: Field, text: str) -> Any:
    shape = field.chosen
    if not text.strip():
        return MISSING
    if field.kind == "template":
        return text
    return _READERS.get(shape.kind, scalar)(shape, text)


def _choice(shape: Shape, text: str) -> Any:
    return next((one for one in shape.choices if _same(one, text)), text)


def _same(choice: JsonValue, text: str) -> bool:
    return text == (choice if isinstance(choice, str) else json.dumps(choice))


def _entries(shape: Shape, text: str) -> Any:
    items = [scalar(shape, line.strip()) for line in text.split("\n") if line.strip()]
    return items or MISSING


def scalar(shape: Shape, text: str) -> Any:
    """Read what was typed: what it says, if the option takes that, else text."""
    if "integer" in shape.scalars and _canonical(text, int):
        return int(text)
    if "number" in shape.scalars and _canonical(text, float):
        return float(text)
    if "boolean" in shape.scalars and text in {"true", "false"}:
        return text == "true"
    only_numbers = shape.scalars <= {"integer", "number"}
    return _number(text.strip()) if only_numbers else text


def _number(text: str) -> Any:
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return text


def _canonical(text: str, kind: type[int | float]) -> bool:
    try:
        return len(text) <= len(str(2**63)) and str(kind(text)) == text and text not in {"inf", "nan", "-inf"}
    except ValueError:
        return False


def _from_json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        if text.lstrip().startswith("{{") and is_template(text):
            return text
        raise _Unreadable(Refused(NOT_JSON, text)) from None
    return value


_READERS: Final[Mapping[str, Callable[[Shape, str], Any]]] = {
    "switch": lambda _, text: text == "true",
    "list": _entries,
    "json": lambda _, text: _from_json(text),
    "choice": _choice,
}


def _no_constant(_: str) -> None:
    raise ValueError


def _with_rows(draft: Draft, field: Field, rows: list[Row], order: Sequence[str]) -> Draft:
    if rows == [*field.rows]:
        return draft
    try:
        pairs = [(row.key, _from_json(row.value) if row.json else row.value) for row in rows]
    except _Unreadable:
        raise _Unreadable(Refused(NOT_JSON, rows=tuple(rows))) from None
    if not pairs:
        return draft.drop(field.path) if field.given and not field.option.required else _emptied(draft, field)
    keys = [key for key, _ in pairs]
    repeated = len(set(keys)) < len(keys)
    if repeated and not field.chosen.pairs:
        raise _Unreadable(Refused(REPEATED, rows=tuple(rows)))
    try:
        if repeated or isinstance(draft.value(field.path), list):
            return draft.put(field.path, [[key, value] for key, value in pairs], order)
        return _with_table(draft, field, dict(pairs), order)
    except ValueError:
        raise _Unreadable(Refused(NO_TOML, rows=tuple(rows))) from None


def _emptied(draft: Draft, field: Field) -> Draft:
    return draft.drop(field.path) if field.given else draft


def _with_table(draft: Draft, field: Field, table: dict[str, Any], order: Sequence[str]) -> Draft:
    """Change a table entry by entry, so that what nobody changed stays as it is written."""
    before = {row.key: row for row in field.rows}
    if not before:
        return draft.put(field.path, table, order)
    old, new = [*before], [*table]
    if len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            if one != other and other not in before and one not in table:
                draft = draft.rename((*field.path, one), other)
                before = {other if key == one else key: row for key, row in before.items()}
    for key in [key for key in before if key not in table]:
        draft, _ = draft.drop((*field.path, key)), before.pop(key)
    for key, value in table.items():
        if key not in before or _differs(before[key], value):
            draft = draft.put((*field.path, key), value)
    if [key for key in before if key in table] + [key for key in table if key not in before] != new:
        return draft.drop(field.path).put(field.path, table, order)
    return draft


def _differs(row: Row, value: Any) -> bool:
    return bool((_from_json(row.value) if row.json else row.value) != value)


def shown_again(fields: Sequence[Field], refused: Mapping[str, Refused], words: Mapping[str, str]) -> tuple[Field, ...]:
    """Put what could not be taken over back into the fields, with the reason."""
    return tuple(_again(field, refused, words) for field in fields)


def _again(field: Field, refused: Mapping[str, Refused], words: Mapping[str, str]) -> Field:
    inside = shown_again(field.fields, refused, words)
    if (one := refused.get(field.name)) is None:
        return replace(field, fields=inside)
    said = (*field.problems, words[one.reason])
    return replace(field, value=one.value, rows=one.rows or field.rows, problems=said, fields=inside)
