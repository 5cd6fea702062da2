"""Decodes the rows in one page of an SQLite file, each by itself: one that is damaged costs no other."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from jackfield.journal.sqlite.recovery.pages import Pages

Value: TypeAlias = int | float | str | bytes | None

TABLE_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_INDEX_INNER: Final = 0x02
_TABLE_INNER: Final = 0x05
_SIZES: Final = (0, 1, 2, 3, 4, 6, 8, 8)
"""How many bytes a number has, by its type."""
_REAL: Final = 7
_CONSTANTS: Final = {8: 0, 9: 1}
_RESERVED: Final = (10, 11)
_MORE: Final = 0x80
_LARGEST: Final = 1 << 30


class Row(NamedTuple):
    """A row's number, None in an index, and its values."""

    number: int | None
    values: tuple[Value, ...]


class Broken(Exception):  # noqa: N818 - a cell is
    """A cell makes no sense."""


def rows_of(pages: Pages, number: int, *, table: bool = False) -> Iterator[Row | None]:
    """Decode the rows in a page; None stands for one that is damaged.

    With `table` the page is known to be one of a table's: it is read as such even if its first byte says nothing.
    """
    page = pages[number]
    start = 100 if number == 1 else 0
    if not page:
        return
    kind = page[start]
    if table and kind not in (TABLE_LEAF, _TABLE_INNER, _INDEX_LEAF, _INDEX_INNER):
        kind = TABLE_LEAF
    if kind not in (TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
        return
    first = start + (12 if kind == _INDEX_INNER else 8)
    count = min(int.from_bytes(page[start + 3 : start + 5]), (len(page) - first) // 2)
    for place in range(first, first + 2 * count, 2):
        try:
            yield _cell(pages, page, int.from_bytes(page[place : place + 2]), kind)
        except (Broken, ValueError, IndexError, struct.error):
            yield None


def _cell(pages: Pages, page: bytes, place: int, kind: int) -> Row:
    if kind == _INDEX_INNER:
        place += 4
    size, place = _varint(page, place)
    number: int | None = None
    if kind == TABLE_LEAF:
        number, place = _varint(page, place)
        if number >= 1 << 63:
            number -= 1 << 64
    usable = len(page)
    most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    return Row(number, tuple(_record(_payload(pages, page, place, size, most))))


def _payload(pages: Pages, page: bytes, place: int, size: int, most: int) -> bytes:
    """Put a row's bytes together, which may go on in pages of their own."""
    usable = len(page)
    if not 0 < size < _LARGEST:
        raise Broken
    local = size
    if size > most:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
    parts = [page[place : place + local]]
    left, following = size - local, int.from_bytes(page[place + local : place + local + 4])
    if place + local > usable or (left and size > pages.count * usable):
        raise Broken
    while left > 0:
        more = pages[following]
        if not more:
            raise Broken
        parts.append(more[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
        following = int.from_bytes(more[:4])
    return b"".join(parts)


def _record(data: bytes) -> Iterator[Value]:
    head, place = _varint(data, 0)
    if head > len(data):
        raise Broken
    body = head
    while place < head:
        kind, place = _varint(data, place)
        value, body = _value(data, kind, body)
        yield value
    if place != head or body != len(data):
        raise Broken


def _value(data: bytes, kind: int, place: int) -> tuple[Value, int]:
    if kind == 0:
        return None, place
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], place
    size = _SIZES[kind] if kind < len(_SIZES) else (kind - 12) // 2
    end = place + size
    if kind in _RESERVED or end > len(data):
        raise Broken
    part = data[place:end]
    if kind < _REAL:
        return int.from_bytes(part, signed=True), end
    if kind == _REAL:
        return float(struct.unpack(">d", part)[0]), end
    return (part.decode() if kind % 2 else part), end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[place + index]
        value = value << 7 | byte & ~_MORE
        if byte < _MORE:
            return value, place + index + 1
    return value << 8 | data[place + 8], place + 9
