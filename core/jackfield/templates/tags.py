"""Jinja's tags, and the paths in them.

`{{ ... }}`, `{% ... %}` and `{# ... #}` are Jinja's. Inside them, outside of string literals, `$...` is a path into the
run's document, which Jinja cannot read: it gets a variable in the path's place.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from jackfield.errors import TemplateError
from jackfield.templates.paths.path import Path, read_path

Paths: TypeAlias = dict[str, Path]
"""Paths by the variable that stands for each."""

_MOST_PATHS: Final = 200
_MOST_TAGS: Final = 2000
"""Jinja makes several kilobytes of each."""
_RETURNS: Final = re.compile(r"\r+")
_OPENINGS: Final = ("{{", "{%", "{#")
_CLOSINGS: Final = ("}}", "%}")
_TAG: Final = re.compile(
    r"(?P<opaque>\{#.*?(?:#\}|\Z)|\{%[-+]?\s*raw\s*[-+]?%\}.*?(?:\{%[-+]?\s*endraw\s*[-+]?%\}|\Z))|\{\{|\{%", re.DOTALL
)
_STRING_OR_CHARACTER: Final = re.compile(r"""'(?:\\.|[^'\\])*+'?|"(?:\\.|[^"\\])*+"?|.""", re.DOTALL)


def is_template(text: str) -> bool:
    """Whether there is anything in the text for Jinja to do."""
    return any(opening in text for opening in _OPENINGS)


def extract_paths(text: str) -> tuple[str, Paths]:
    """Replace every path by a variable that Jinja can read; return the new text and the paths by variable.

    Raises `TemplateError` for what is no path, and for more paths and tags than can be compiled while somebody waits.
    """
    output: list[str] = []
    paths: Paths = {}
    position = 0
    while tag := _TAG.search(text, position):
        output += _literal(text[position : tag.start()]), tag.group()
        position = tag.end()
        if not tag["opaque"]:
            code, position = _rewrite_code(text, position, paths)
            output.append(code)
    output.append(_literal(text[position:]))
    source = "".join(output)
    if source.count("{{") + source.count("{%") > _MOST_TAGS:
        raise TemplateError(f"a template has {_MOST_TAGS} tags at most; divide it")
    return source, paths


def _literal(text: str) -> str:
    r"""Keep `\r`, which Jinja would turn into `\n`."""
    return _RETURNS.sub(lambda found: '{{ "' + "\\r" * len(found[0]) + '" }}', text)


def _rewrite_code(text: str, position: int, paths: Paths) -> tuple[str, int]:
    """Rewrite from `position` up to the end of the tag; its closing braces may be inside of brackets and strings."""
    output: list[str] = []
    depth = 0
    while position < len(text) and (depth or not text.startswith(_CLOSINGS, position)):
        if text[position] == "$":
            if len(paths) == _MOST_PATHS:
                raise TemplateError(f"a template has {_MOST_PATHS} paths at most; divide it")
            path, position = read_path(text, position)
            variable = f"_path_{len(paths)}_"
            paths[variable] = path
            output.append(f" {variable} ")
        else:
            piece = _STRING_OR_CHARACTER.match(text, position).group()  # type: ignore[union-attr]  # "." takes any
            depth += (piece in "([{") - (piece in ")]}")
            output.append(piece)
            position += len(piece)
    return "".join(output), position
