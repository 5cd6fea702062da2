"""Names with brackets, as forms have them (`leads[add][0][id]`), put together to objects and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from jackfield import JsonObject, JsonValue, Malformed

_BRACKETED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_DEEPEST: Final = 32
_MOST_BRACKETS: Final = 50_000
MOST_PAIRS: Final = 10_000
"""How many values a form may have."""

Pair: TypeAlias = tuple[str, JsonValue]


@dataclass(slots=True)
class _Node:
    values: list[JsonValue] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)
    following: int = 0

    def child(self, key: str) -> _Node:
        """Return the node below `key`; an empty one stands for the next index, as in PHP."""
        key = key or str(self.following)
        if _INDEX.fullmatch(key):
            self.following = max(self.following, int(key) + 1)
        return self.children.setdefault(key, _Node())

    def value(self) -> JsonValue:
        if not self.children:
            return self.values[0] if len(self.values) == 1 else self.values
        indexes = [str(index) for index in range(len(self.children))]
        if not self.values and self.children.keys() == set(indexes):
            return [self.children[index].value() for index in indexes]
        own = {"": self.values[0] if len(self.values) == 1 else self.values} if self.values else {}
        return own | {key: child.value() for key, child in self.children.items()}


def nested(pairs: Iterable[Pair]) -> JsonObject:
    """Make an object of pairs, losing no value.

    `a[b]=1` is an object in `a`, `a[]=1` and `a[0]=1` a list. A name that comes again makes a list of its values; a
    plain value beside nested ones is kept under the empty key. Brackets that do not match are part of the name. Raises
    `Malformed` for too many pairs or too many brackets.
    """
    root = _Node()
    brackets = 0
    for number, (name, value) in enumerate(pairs):
        brackets += name.count("[")
        if number >= MOST_PAIRS:
            raise Malformed(f"The form has more than {MOST_PAIRS} values; let it be sent as JSON.")
        if brackets > _MOST_BRACKETS:
            raise Malformed(f"The form's names have more than {_MOST_BRACKETS} brackets; let it be sent as JSON.")
        node = root.children.setdefault(name, _Node()) if "[" not in name else _place(root, name)
        node.values.append(value)
    return {name: node.value() for name, node in root.children.items()}


def _place(root: _Node, name: str) -> _Node:
    match = _BRACKETED.fullmatch(name)
    if match is None:
        return root.children.setdefault(name, _Node())
    keys = match[2][1:-1].split("][")
    if len(keys) > _DEEPEST:
        raise Malformed(f"The name {name[:40]!r}… has more than {_DEEPEST} pairs of brackets.")
    node = root.children.setdefault(match[1], _Node())
    for key in keys:
        node = node.child(key)
    return node
