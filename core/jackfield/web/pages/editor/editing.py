"""What the buttons of the editor do to a draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData

from jackfield.pipelines.editing.drafts import Draft
from jackfield.problems import KeyPath
from jackfield.project.toml_edit import CannotEdit

_SHAPE: Final = "shape:"
_WAS: Final = "was:"


def carry_out(draft: Draft, deed: str, rest: str, form: FormData) -> Draft:
    """Do what a button says; what is not known does nothing. Raises `CannotEdit`."""
    draft = _with_components(draft, form)
    action, _, index = rest.partition(":")
    if deed == "step" and action == "add" and form.get("new_action"):
        return draft.with_step(str(form["new_action"]))
    if deed == "step" and index.isdecimal():
        return _with_step(draft, action, int(index))
    if deed in {"forget", "item"} and draft.data() is None:
        raise CannotEdit("the text is no TOML")
    if deed == "forget" and (path := _path(rest)):
        return draft.drop(path)
    if deed == "item" and (path := _path(rest)):
        return _with_item(draft, path)
    return draft


def _with_step(draft: Draft, action: str, index: int) -> Draft:
    if not index < len(draft.steps()):
        return draft
    match action:
        case "up":
            return draft.moved(index, -1)
        case "down":
            return draft.moved(index, 1)
        case "copy":
            return draft.with_copy(index)
        case "remove":
            return draft.without_step(index)
    return draft


def _with_item(draft: Draft, path: KeyPath) -> Draft:
    """Put an empty table at the end of a list of tables."""
    items = draft.value(path)
    if items is not None and not isinstance(items, list):
        raise CannotEdit("this is no list")
    return draft.put((*path, len(items or ())), {})


def _with_components(draft: Draft, form: FormData) -> Draft:
    """Take over which components were chosen."""
    source: Any = (draft.data() or {}).get("source")
    wish = form.get("source_use")
    if wish and isinstance(source, dict) and source.get("use") != wish:
        draft = draft.put(("source", "use"), str(wish), ("use",))
    for index, step in enumerate(draft.steps()):
        wish = form.get(f"step_use:{index}")
        if wish and step.get("use") != wish:
            draft = draft.put(("steps", index, "use"), str(wish), ("use",))
    return draft


def _path(text: str) -> KeyPath:
    """Read a path that a button names; it must be that of an option, not of a step or the source."""
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    fine = isinstance(parts, list) and all(isinstance(part, str | int) for part in parts)
    if not fine or len(parts) < 2 or (parts[0] == "steps" and len(parts) < 3):  # noqa: PLR2004 - as above
        raise CannotEdit("this cannot be taken away")
    return tuple(parts)


def shapes_in(form: FormData) -> Mapping[str, int]:
    """Say which shapes the fields had when the form was made."""
    return _numbers(form, _WAS)


def shapes_wanted(form: FormData) -> Mapping[str, int]:
    """Say which shapes the fields shall have from now on."""
    return _numbers(form, _SHAPE)


def _numbers(form: FormData, prefix: str) -> Mapping[str, int]:
    found = {name.removeprefix(prefix): str(value) for name, value in form.multi_items() if name.startswith(prefix)}
    return {name: int(value) for name, value in found.items() if value.isdecimal() and len(value) < 4}  # noqa: PLR2004


def with_moved_rows(form: FormData, deed: str, rest: str) -> FormData:
    """Move or remove a row of a table in what was filled in."""
    index, _, name = rest.partition(":")
    if deed not in {"rowup", "rowdown", "rowout"} or not index.isdecimal():
        return form
    at = int(index)
    there = at + {"rowup": -1, "rowdown": 1, "rowout": 0}[deed]
    parts = {f"{name}:{part}": form.getlist(f"{name}:{part}") for part in "kvt"}
    if not all(0 <= at < len(values) and 0 <= there < len(values) for values in parts.values()):
        return form
    for values in parts.values():
        moved = values.pop(at)
        if deed != "rowout":
            values.insert(there, moved)
    others = [pair for pair in form.multi_items() if pair[0] not in parts]
    rows = [(name, value) for name, values in parts.items() for value in values or [""]]
    return FormData([*others, *rows])
