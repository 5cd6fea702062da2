"""Says in a few words whom or what an event is about: by the pipeline's `label`, else by a guess."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.components.values import Event, JsonObject
from jackfield.errors import TemplateError
from jackfield.templates.engine import Template

LONGEST_LABEL: Final = 120
"""How many characters a label has at most; a longer one is cut, and ends in `CUT`."""
CUT: Final = "…"

_UNSEEN: Final = frozenset({"Cc", "Cf"})
"""Control characters, and those that give a direction, join or break letters, or have no width at all."""
_MOST: Final = 3
_LOOKED_AT: Final = 200
"""How many values of an event are looked at, the outermost first."""
_LONGEST_PART: Final = 40
_REMEMBERED: Final = 50
"""For so many sets of keys it is known which are worth most: events have the same ones again and again."""
_RANKS: Final = (
    re.compile(r"mail", re.IGNORECASE),
    re.compile(r"name|phone|title|имя|фамилия|телефон|почта|название", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Labeller:
    """Labels the events of one pipeline. Made when the pipeline is loaded.

    `template` is the pipeline's `label`, `identified_by` names the values by which people know the source's events.
    """

    template: Template | None = None
    identified_by: Sequence[str] = ()
    _orders: dict[tuple[str, ...], Sequence[tuple[int, str]]] = field(default_factory=dict, repr=False, compare=False)

    def label(self, event: Event, document: JsonObject | None, warnings: list[str]) -> str | None:
        """Label an event whose `document` is needed where there is a `template`; None if it says nothing.

        Where the template cannot be rendered, that is a warning, and the label is a guess.
        """
        if self.template is not None and document is not None:
            try:
                value = self.template.render(document)
            except TemplateError as error:
                warnings.append(str(error))
            else:
                text = value if isinstance(value, str) else "" if value is None else to_json(value).decode()
                return _cut(text, LONGEST_LABEL) or None
        return self.guess(event.data)

    def guess(self, data: JsonValue) -> str | None:
        """Label an event by what its source declares, else by what looks as if people knew it by that."""
        named = [_said(data.get(name)) for name in self.identified_by] if isinstance(data, dict) else []
        found = " ".join(part for part in named if part)
        if not found:
            flat = isinstance(data, dict) and not any(isinstance(value, dict | list) for value in data.values())
            found = self._digest(data) if flat and isinstance(data, dict) else event_summary(data)
        return _cut(found, LONGEST_LABEL) or None

    def _digest(self, data: JsonObject) -> str:
        """Do what `event_summary()` does, for an event without anything nested, whose keys have come before."""
        keys = tuple(data)
        order = self._orders.get(keys)
        if order is None:
            order = sorted(((_rank(key), key) for key in keys[: _LOOKED_AT - 1]), key=_worth)
            if len(self._orders) < _REMEMBERED:
                self._orders[keys] = order
        said: dict[str, None] = {}
        for rank, key in order:
            if text := _said(data[key]):
                said[_words(rank, key, text)] = None
                if len(said) == _MOST:
                    break
        return ", ".join(said)


def event_summary(event: JsonValue) -> str:
    """Name the values by which people know an event: its e-mail address, its names, else whatever is filled in.

    The latter with their keys. Empty if nothing is filled in.
    """
    filled = sorted(((_rank(key), key, text) for key, text in _leaves(event)), key=_worth)
    said = dict.fromkeys(_words(*leaf) for leaf in filled)
    return ", ".join(islice(said, _MOST))


def one_line(text: str) -> str:
    """Write a text in one line, without what is not seen and makes it look like another one."""
    return " ".join((text if text.isprintable() else _visible(text)).split())


def _worth(leaf: tuple[Any, ...]) -> int:
    rank: int = leaf[0]
    return rank


def _words(rank: int, key: str, text: str) -> str:
    part = _cut(text, _LONGEST_PART)
    return part if rank < len(_RANKS) or not key else f"{_cut(key, _LONGEST_PART)}: {part}"


def _cut(text: str, longest: int) -> str:
    line = one_line(text[: 10 * longest])
    return line if len(line) <= longest and len(text) <= 10 * longest else f"{line[:longest]}{CUT}"


def _visible(text: str) -> str:
    return "".join(one for one in text if one.isspace() or unicodedata.category(one) not in _UNSEEN)


def _rank(key: str) -> int:
    return next((rank for rank, pattern in enumerate(_RANKS) if pattern.search(key)), len(_RANKS))


def _said(value: object) -> str:
    """Write a value that stands by itself; empty for lists and tables, and where there is nothing."""
    if isinstance(value, str):
        return one_line(value[: 10 * LONGEST_LABEL]) + (CUT if len(value) > 10 * LONGEST_LABEL else "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return to_json(value, inf_nan_mode="constants").decode()
    return ""


def _leaves(event: Any) -> Iterator[tuple[str, str]]:
    """Go through the texts and numbers of an event, the outermost first, with the key under which each one is."""
    rest = deque([("", event)])
    for _ in range(_LOOKED_AT):
        if not rest:
            return
        key, value = rest.popleft()
        if isinstance(value, dict):
            rest.extend(islice(value.items(), _LOOKED_AT))
        elif isinstance(value, list):
            rest.extend((key, item) for item in value[:_LOOKED_AT])
        elif text := _said(value):
            yield key, text
