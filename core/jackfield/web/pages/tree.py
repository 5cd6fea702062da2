"""JSON as a tree that can be folded, and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

_DEEPEST: Final = 30
_MOST_NODES: Final = 2000
_CUT: Final = 300


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its name (None for the whole); `kind` is one of object, list, text, number, boolean, null.

    `short` is the beginning of a text that is too long to be shown at once, `left_out` how many children are not here.
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


def as_text(value: JsonValue) -> str:
    """Write JSON for people; whatever the journal gives can be written."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        return "…"


class _Reader:
    """Makes nodes until there are enough of them."""

    def __init__(self) -> None:
        self._nodes = 0

    def node(self, name: str | None, value: JsonValue, depth: int = 0) -> Node:
        self._nodes += 1
        match value:
            case Mapping():
                return self._branch(name, "object", [*value.items()], depth)
            case list():
                return self._branch(name, "list", [(str(at), item) for at, item in enumerate(value)], depth)
            case str():
                return Node(name, "text", value, f"{value[: _CUT // 2]}…" if len(value) > _CUT else None)
            case bool():
                return Node(name, "boolean", "true" if value else "false")
            case None:
                return Node(name, "null", "null")
        return Node(name, "number", json.dumps(value))

    def _branch(self, name: str | None, kind: str, pairs: Sequence[tuple[str, JsonValue]], depth: int) -> Node:
        children: list[Node] = []
        for key, item in pairs if depth < _DEEPEST else ():
            if self._nodes >= _MOST_NODES:
                break
            children.append(self.node(key, item, depth + 1))
        return Node(name, kind, children=children, size=len(pairs), left_out=len(pairs) - len(children))
