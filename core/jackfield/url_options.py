"""Options that hold a URL: how an options model declares one, and what every URL has to be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel

_URL: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@\\\[\]:]+)(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)
_WITH_USER: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*@", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/?#]*)?([^?#]*)", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[/\\]")
_AFTER_NAME: Final = re.compile(r"[;?#].*", re.DOTALL)
_MOST_DECODINGS: Final = 5
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """Marks an option as a URL: `Annotated[str, UrlTemplate()]`.

    The host encodes what templates put into such an option by where it stands: in the path, the query or the fragment.
    Scheme, user, host and port come from the event, or from the result of an earlier step, only if the step says
    `url_from_event = true`. The option itself stays a `str`. `Url` is such an option with the usual checks.
    """


def web_address(text: str) -> str:
    """Return a URL without the blanks around it. Raises ValueError unless it is http or https, with a host."""
    url = text.strip()
    if _WITH_USER.match(url):
        raise ValueError("must not contain a user and a password")
    if not _URL.fullmatch(url):
        raise ValueError("is not an address: it must begin with http:// or https:// and a host, and be one line")
    if segment := dot_segment(url):
        raise ValueError(f'has "{segment}" as a part of its path; write the path that it leads to')
    return url


Url: TypeAlias = Annotated[str, UrlTemplate(), AfterValidator(web_address)]
"""A type for options: a URL of http or https, without user and password, and without `.` and `..` in its path."""


def dot_segment(url: str) -> str | None:
    """Return the part of a URL's path that leads elsewhere, `.` or `..`, None if there is none.

    The path is read as the most generous server reads it: percent-decoded, more than once if need be, with a backslash
    for a slash, and without parameters after a semicolon.
    """
    path = _PATH.match(url)[1]  # type: ignore[index]  # it matches any text
    for _ in range(_MOST_DECODINGS):
        for segment in _SEPARATOR.split(path):
            name = _AFTER_NAME.sub("", segment).strip()
            if name in {".", ".."}:
                return name
        if "%" not in path or (decoded := unquote(path)) == path:
            return None
        path = decoded
    return None


@dataclass(frozen=True, slots=True)
class Marked:
    """Where in a table of options the values are whose types carry a marker: here, or further inside."""

    here: bool = False
    inside: Mapping[str, Marked] = field(default_factory=dict)

    def child(self, key: str | int) -> Marked | None:
        """Look one level deeper; `*` in `inside` is any key or index."""
        return self.inside.get(str(key)) or self.inside.get(_ANY)


def marked_options(model: type[BaseModel], marker: type) -> Marked | None:
    """Find the options of a model, by the names that they have in a file, whose types carry a marker of this class."""
    return _in_model(model, marker, frozenset())


def _in_model(model: type[BaseModel], marker: type, above: frozenset[type]) -> Marked | None:
    if model in above:
        return None
    inside = {}
    for name, option in model.model_fields.items():
        here = any(isinstance(one, marker) for one in option.metadata)
        if found := _joined(here, _within(option.annotation, marker, above | {model})):
            inside[option.alias or name] = found
    return Marked(inside=inside) if inside else None


def _within(annotation: Any, marker: type, above: frozenset[type]) -> Iterator[Marked]:
    annotation = getattr(annotation, "__value__", annotation)  # of `type Name = ...`
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if found := _in_model(annotation, marker, above):
            yield found
    elif origin is Annotated:
        if any(isinstance(one, marker) for one in arguments[1:]):
            yield Marked(here=True)
        yield from _within(arguments[0], marker, above)
    elif isinstance(origin, type) and issubclass(origin, Collection):
        if items := _joined(False, (one for part in arguments for one in _within(part, marker, above))):  # noqa: FBT003 - "here"
            yield Marked(inside={_ANY: items})
    else:
        for part in arguments:
            yield from _within(part, marker, above)


def _joined(here: bool, found: Iterator[Marked]) -> Marked | None:  # noqa: FBT001 - "here"
    inside: dict[str, Marked] = {}
    for one in found:
        here = here or one.here
        for name, deeper in one.inside.items():
            inside[name] = _joined(False, iter((inside[name], deeper))) or deeper if name in inside else deeper  # noqa: FBT003
    return Marked(here, inside) if here or inside else None
