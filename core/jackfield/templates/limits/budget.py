"""How much work one rendering may do, so that no template, path or event can hold up the host or fill its memory.

The work is counted in steps and not in seconds: the same template and the same event always end in the same way, on a
busy machine as on an idle one. A step is about a tenth of a microsecond. Whatever could make something long is checked
before it makes it.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Final, TypeVar

from jackfield.errors import TemplateError

T = TypeVar("T")

MOST_STEPS: Final = 1_000_000
"""How many steps a rendering may take: about a tenth of a second."""
LONGEST_TEXT: Final = 10_000_000
"""How many characters a text may have that a template makes."""
MOST_DIGITS: Final = 4_000
"""How many digits a whole number may have that a template makes."""

_BITS: Final = int(MOST_DIGITS * 3.3219)
_LARGEST: Final = 1 << 63
_SMALLEST: Final = -_LARGEST
"""Whole numbers between these two take no time to speak of."""
_TEXTS: Final = (str, bytes)
_SCALARS: Final = frozenset({int, float, bool, type(None)})
_MAPPINGS: Final = (dict, Mapping)
_NESTS: Final[tuple[type[Any], ...]] = (list, tuple, set, frozenset, range, KeysView, ValuesView, ItemsView)


class Budget:
    """The steps that are left. Everything that takes long raises `TemplateError` when they are used up."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Count work that is about to be done; less than none, as of a negative width, gives nothing back."""
        if steps > 0:
            self.left -= steps
        if self.left < 0:
            raise TemplateError(
                f"this takes more than {MOST_STEPS} steps for this event; use fewer or smaller loops, lists and paths"
            )

    def text(self, length: int) -> None:
        """Count a text that is about to be made, or read from end to end."""
        if length > LONGEST_TEXT:
            raise TemplateError(
                f"this would make a text of {length} characters, {LONGEST_TEXT} is the most; correct the template"
            )
        self.spend(length >> 4)

    def elements(self, count: int) -> None:
        """Count a list that is about to be made."""
        if count > MOST_STEPS:
            raise TemplateError(
                f"this would make a list of {count} elements, {MOST_STEPS} is the most; correct the template"
            )
        self.spend(count)

    def number(self, bits: int) -> None:
        """Count a whole number that is about to be made."""
        if bits > _BITS:
            raise TemplateError(f"this would make a number of more than {MOST_DIGITS} digits; correct the template")
        self.spend((bits >> 6) + (bits * bits >> 18))

    def digits(self, number: int) -> None:
        """Count the writing of a whole number, which takes the square of its length."""
        if bits := number.bit_length() >> 6:
            self.spend(8 * bits + (bits * bits >> 6))

    def weigh(self, value: object, times: int = 1) -> None:
        """Count what it takes to go through a value from end to end, however deep it is, so many times."""
        if type(value) is str:  # as nearly always
            self.spend((1 + (len(value) >> 4)) * times)
            return
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, _MAPPINGS):
                self.spend((6 + 3 * len(item)) * times)
                self._weigh_items(item, times, waiting)
                self._weigh_items(item.values(), times, waiting)
            elif isinstance(item, _NESTS):
                self.spend((6 + len(item)) * times)
                self._weigh_items(item, times, waiting)
            elif isinstance(item, _TEXTS):
                self.spend((1 + (len(item) >> 4)) * times)
            else:
                self.spend(times)
                if isinstance(item, int):
                    self.digits(item)

    def _weigh_items(self, items: Iterable[object], times: int, waiting: list[object]) -> None:
        for item in items:
            kind = type(item)
            if kind is str:
                if length := len(item) >> 4:  # type: ignore[arg-type]
                    self.spend(length * times)
            elif kind not in _SCALARS or (kind is int and not _SMALLEST < item < _LARGEST):  # type: ignore[operator]
                waiting.append(item)

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Go through something that may have no end."""
        for item in items:
            self.spend(1)
            yield item
