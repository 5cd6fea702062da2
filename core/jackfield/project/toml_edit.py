"""Changes to a TOML text that leave every other line of it as it is: its comments, its order, its layout."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

import tomlkit
from pydantic import JsonValue
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Item, Key, SingleKey, Table, Whitespace

from jackfield.errors import JackfieldError
from jackfield.problems import KeyPath, dotted
from jackfield.project.toml_file import DEEPEST
from jackfield.project.toml_text import fits_in_line, toml_entry, toml_tables, toml_text, toml_value

_Body = list[tuple[Key | None, Item]]
_NOTHING: Final = object()


class CannotEdit(JackfieldError):  # noqa: N818 - it says what the caller cannot do
    """The text is laid out in a way that this change cannot be made in it; it has to be made by hand."""


def put(text: str, path: KeyPath, value: JsonValue, order: Sequence[str] = ()) -> str:
    """Give the key at `path` this value, in a table that is made if it is not there.

    A new key goes behind those of its table that come before it in `order`. Raises `CannotEdit`, and ValueError for
    what TOML cannot say.
    """
    data = tomllib.loads(text)
    toml_value(value)
    if not 0 < len(path) <= DEEPEST:
        raise _not_by_the_form(path[:DEEPEST])
    path, value = _existing(data, path, value)
    expected = _changed(data, path, value)
    old = value_at(data, path)
    if (
        isinstance(old, dict | list)
        and not (isinstance(value, list) and isinstance(old, list))
        and _is_table(text, path)
    ):
        text = drop(text, path)
    document = _parsed(text)
    parent = _item(document, path[:-1])
    if isinstance(parent, InlineTable):
        if path[-1] not in parent:
            return _put_whole(text, path[:-1], {**value_at(data, path[:-1]), str(path[-1]): value})
        parent[str(path[-1])] = _value(value, one_line=True)
    elif isinstance(parent, AoT):
        return _written_anew(drop(text, path[:-1]), path[:-1], value_at(expected, path[:-1]))
    elif isinstance(parent, Array):
        _put_into_array(parent, path[-1], value)
    else:
        _put_into_table(parent, path, value, order)
    return _checked(document.as_string(), expected, path)


def drop(text: str, path: KeyPath) -> str:
    """Take the key at `path` away. Raises `CannotEdit`."""
    data = tomllib.loads(text)
    parent = value_at(data, path[:-1])
    if not path or not isinstance(parent, dict | list) or value_at(data, path) is None:
        raise CannotEdit(f"{dotted(path)} is not there")
    expected = _changed(data, path, _NOTHING)
    document = _parsed(text)
    holder = _item(document, path[:-1])
    if isinstance(holder, InlineTable):
        return _written_anew(text, path[:-1], value_at(expected, path[:-1]))
    if isinstance(holder, AoT):
        return _without_table(text, path[:-1], value_at(expected, path[:-1]))
    if isinstance(holder, Array):
        del holder[int(path[-1])]
    else:
        _drop_from_table(holder, str(path[-1]))
    return _checked(document.as_string(), expected, path)


def rename(text: str, path: KeyPath, name: str) -> str:
    """Call a key something else, in the place where it is. Raises `CannotEdit`."""
    data = tomllib.loads(text)
    table = value_at(data, path[:-1])
    if not isinstance(table, dict) or name in table:
        raise CannotEdit(f"{dotted(path)}: there is a key {name} already")
    renamed = {name if key == path[-1] else key: value for key, value in table.items()}
    document = _parsed(text)
    parent = _item(document, path[:-1])
    if isinstance(parent, InlineTable):
        return _written_anew(text, path[:-1], renamed)
    body = _body(parent)
    at = next((index for index, (key, _) in enumerate(body) if key is not None and key.key == path[-1]), -1)
    if at < 0 or isinstance(body[at][1], Table | AoT):
        return _written_anew(drop(text, path), (*path[:-1], name), table[path[-1]])
    body[at] = (SingleKey(name, sep=" = "), body[at][1])
    return _checked(document.as_string(), _changed(data, path[:-1], renamed), path)


def _put_whole(text: str, path: KeyPath, table: dict[str, JsonValue]) -> str:
    """Write a table of one line anew; it gets a header of its own if it is too long by now."""
    above = _item(_parsed(text), path[:-1])
    if isinstance(above, InlineTable | Array) or _fits(str(path[-1]), table):
        return _written_anew(text, path, table)
    return _written_anew(drop(text, path), path, table)


def _fits(key: str, table: dict[str, JsonValue]) -> bool:
    try:
        return fits_in_line(key, table)
    except ValueError:  # which `_written_anew()` says
        return True


def _written_anew(text: str, path: KeyPath, value: JsonValue) -> str:
    """Put what is in the text already into another place of it. Raises `CannotEdit`: it may hold an infinity."""
    try:
        return put(text, path, value)
    except ValueError as error:
        raise CannotEdit(f"{dotted(path)} cannot be written anew: {error}") from None


def _without_table(text: str, path: KeyPath, rest: list[JsonValue]) -> str:
    """Write a list of tables anew, without one of them; without the last one nothing is left to write."""
    if not path[1:]:
        raise CannotEdit(f"{dotted(path)}: take the table out by hand")
    text = drop(text, path)
    return _written_anew(text, path, rest) if rest else text


def _put_into_table(parent: Any, path: KeyPath, value: JsonValue, order: Sequence[str]) -> None:
    key = str(path[-1])
    body = _body(parent)
    place = next((index for index, (found, _) in enumerate(body) if found is not None and found.key == key), None)
    if place is not None and isinstance(value, list) and _has_lines(old := body[place][1]):
        _put_items(old, value)
    elif place is not None:
        parent[key] = _value(value)
    elif isinstance(value, dict | list) and not fits_in_line(key, value):
        body, place = _end(parent)
        header = [part for part in path if isinstance(part, str)]
        body.insert(place, (None, Whitespace(_joined(body, place) + toml_tables(header, value))))
    else:
        place = _place(body, key, order)
        gap = "\n" if place < len(body) and _is_header(body[place]) and not _blank_before(body, place) else ""
        body.insert(place, (None, Whitespace(_joined(body, place) + toml_entry(key, value) + gap)))


def _has_lines(item: Item) -> bool:
    return isinstance(item, Array) and "\n" in item.as_string()


def _put_items(array: Any, items: list[Any]) -> None:
    """Change a list that stands on several lines item by item: its comments stay."""
    while len(array) > len(items):
        del array[-1]
    for index, item in enumerate(items):
        if index >= len(array):
            array.append(_value(item, one_line=True))
        elif array.unwrap()[index] != item:
            array[index] = _value(item, one_line=True)


def _place(body: _Body, key: str, order: Sequence[str]) -> int:
    """Find where a new key belongs: behind the last entry that comes before it, ahead of all tables."""
    before = set(order[: order.index(key)]) if key in order else None
    entries = [index for index, one in enumerate(body) if one[0] is not None and not _is_header(one)]
    earlier = [index for index in entries if before is None or body[index][0].key in before]  # type: ignore[union-attr]
    if earlier:
        return earlier[-1] + 1
    first = next((index for index, one in enumerate(body) if one[0] is not None), len(body))
    while first > 0 and first == len(body) and isinstance(body[first - 1][1], Whitespace):
        first -= 1
    return first


def _drop_from_table(parent: Any, name: str) -> None:
    body = _body(parent)
    at = next((index for index, (key, _) in enumerate(body) if key is not None and key.key == name), -1)
    if at < 0:
        raise CannotEdit(f"{name} cannot be found")
    kept = ""
    if isinstance(item := body[at][1], Table | AoT):
        inner, end = _end(item)
        kept = "".join(one.as_string() for _, one in inner[end:])
        if kept.startswith("\n") and at > 0 and _blank_before(body, at):
            kept = kept[1:]
    body[at] = (None, Whitespace(kept))


def _end(item: Any) -> tuple[_Body, int]:
    """Find where a table's last line ends, subtables included: what follows a blank line there is the next one's."""
    body = _body(item[-1] if isinstance(item, AoT) else item)
    last = next((at for at in range(len(body) - 1, -1, -1) if body[at][0] is not None), None)
    if last is not None and isinstance(body[last][1], Table | AoT) and _is_header(body[last]):
        return _end(body[last][1])
    place = 0 if last is None else last + 1
    while place < len(body) and not isinstance(body[place][1], Whitespace):
        place += 1
    return body, place


def _joined(body: _Body, place: int) -> str:
    """End the line before, if it is the last of a text without a line end."""
    before = body[place - 1][1].as_string() if place else "\n"
    trail = body[place - 1][1].trivia.trail if place and body[place - 1][0] is not None else before
    return "" if trail.endswith("\n") else "\n"


def _blank_before(body: _Body, at: int) -> bool:
    return at > 0 and isinstance(body[at - 1][1], Whitespace) and body[at - 1][1].as_string().endswith("\n")


def _is_header(entry: tuple[Key | None, Item]) -> bool:
    key, item = entry
    return key is not None and isinstance(item, Table | AoT) and not key.is_dotted()


def _put_into_array(parent: Array, index: str | int, value: JsonValue) -> None:
    if int(index) < len(parent):
        parent[int(index)] = _value(value, one_line=True)
    else:
        parent.append(_value(value, one_line=True))


def _value(value: JsonValue, *, one_line: bool = False) -> Item:
    item: Item = tomlkit.value(toml_value(value) if one_line else toml_text(value))
    return item


def _body(item: Any) -> _Body:
    container = item.value if isinstance(item, Table) else item
    body = getattr(container, "body", None)
    if not isinstance(body, list):
        raise CannotEdit("this part of the file cannot be changed by a form, because of how it is laid out")
    return body


def _is_table(text: str, path: KeyPath) -> bool:
    return isinstance(_item(_parsed(text), path), Table | AoT)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise CannotEdit(f"the file cannot be changed by a form: {error}") from None


def _item(document: Any, path: KeyPath) -> Any:
    for part in path:
        document = document[part]
    return document


def value_at(data: Any, path: KeyPath) -> Any:
    """Return what stands at a path, None if nothing does."""
    for part in path:
        if not (part in data if isinstance(data, dict) else isinstance(data, list) and _is_index(part, len(data) - 1)):
            return None
        data = data[part]
    return data


def _is_index(part: str | int, last: int) -> bool:
    return isinstance(part, int) and 0 <= part <= last


def _existing(data: Any, path: KeyPath, value: JsonValue) -> tuple[KeyPath, JsonValue]:
    """Put a value into new tables as far as there are none on the way. Raises `CannotEdit` for no place at all."""
    for end in range(1, len(path)):
        if not isinstance(value_at(data, path[:end]), dict | list):
            for key in reversed(path[end:]):
                value = {key: value} if isinstance(key, str) else [value]
            path = path[:end]
            break
    parent = value_at(data, path[:-1])
    if not (_is_index(path[-1], len(parent)) if isinstance(parent, list) else isinstance(path[-1], str)):
        raise _not_by_the_form(path)
    return path, value


def _changed(data: Any, path: KeyPath, value: Any) -> Any:
    changed: Any = deepcopy(data)
    if not path:
        return value
    parent = value_at(changed, path[:-1])
    if value is _NOTHING:
        del parent[path[-1]]
    elif isinstance(parent, list) and path[-1] == len(parent):
        parent.append(value)
    else:
        parent[path[-1]] = value
    return changed


def _checked(text: str, expected: Any, path: KeyPath) -> str:
    """Make sure that the text says what it should, and nothing else."""
    try:
        if tomllib.loads(text) == expected:
            return text
    except tomllib.TOMLDecodeError:
        pass
    raise _not_by_the_form(path)


def _not_by_the_form(path: KeyPath) -> CannotEdit:
    return CannotEdit(
        f"{dotted(path)} cannot be changed by the form, because of how the file is laid out; edit it as TOML"
    )
