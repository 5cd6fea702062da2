"""JSON as a tree that can be folded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import JsonValue

_DEEPEST: Final = 30
_MOST_NODES: Final = 2000
_CUT: Final = 300
_LONGEST: Final = 20_000
_MOST_CHARACTERS: Final = 100_000
"""Of one text, and of all texts and names together."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its name (None for the whole); `kind` is one of object, list, text, number, boolean, null.

    `short` is the beginning of a text that is too long to be shown at once; of one that is very long, `text` is no more
    than the beginning either. `left_out` is how many children are not here.
    """

    name: str | None
    kind: str
    text: str = ""
    short: str | None = None
    children: Sequence[Node] = ()
    size: int = 0
    left_out: int = 0


def read_tree(value: JsonValue) -> Node:
    """Make the tree of a value; of one that is very large or very deep, its beginning."""
    return _Reader().node(None, value)


class _Reader:
    """Makes nodes until there are enough of them."""

    def __init__(self) -> None:
        self._nodes = _MOST_NODES
        self._characters = _MOST_CHARACTERS

    def node(self, name: str | None, value: JsonValue, depth: int = 0) -> Node:
        self._nodes -= 1
        name = None if name is None else self._beginning(name, _CUT)
        match value:
            case Mapping():
                return self._branch(Node(name, "object", size=len(value)), value.items(), depth)
            case list():
                pairs = ((str(at), item) for at, item in enumerate(value))
                return self._branch(Node(name, "list", size=len(value)), pairs, depth)
            case str():
                text = self._beginning(value, _LONGEST)
                return Node(name, "text", text, f"{text[: _CUT // 2]}…" if len(text) > _CUT else None)
            case bool():
                return Node(name, "boolean", "true" if value else "false")
            case None:
                return Node(name, "null", "null")
        return Node(name, "number", self._beginning(json.dumps(value), _CUT))

    def _branch(self, node: Node, pairs: Iterable[tuple[str, JsonValue]], depth: int) -> Node:
        children: list[Node] = []
        for key, item in pairs if depth < _DEEPEST else ():
            if self._nodes <= 0 or self._characters <= 0:
                break
            children.append(self.node(key, item, depth + 1))
        return replace(node, children=children, left_out=node.size - len(children))

    def _beginning(self, text: str, longest: int) -> str:
        longest = max(0, min(longest, self._characters))
        self._characters -= min(len(text), longest)
        return text if len(text) <= longest else f"{text[:longest]}…"
