"""Templates in a URL: what they insert is encoded by where it stands, and never says whom a request goes to.

A secret is the operator's own text, as what stands around the braces: it is inserted as it is. Everything else is a
value, which can be no more than a piece of a path segment, of the query or of the fragment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from jinja2.runtime import Context
from jinja2.utils import pass_context

from jackfield.errors import TemplateError
from jackfield.problems import KeyPath
from jackfield.templates.limits.budget import Budget
from jackfield.templates.limits.metering import budget_of
from jackfield.templates.marked_options import Marked
from jackfield.templates.paths.path import Document
from jackfield.templates.sandbox import as_text
from jackfield.templates.url_options import dot_segment

_AUTHORITY: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_NO_HOST: Final = re.compile(r"[/?#@\\\s\x00-\x20\x7f]")
MARK: Final = "\0"
"""What marked values stand between."""

Render: TypeAlias = Callable[[Document, Budget], object]


class Place(Enum):
    """Where in a URL something stands."""

    ORIGIN = "origin"
    """In the scheme, the user, the host or the port."""
    PATH = "path"
    QUERY = "query"
    FRAGMENT = "fragment"


class Form(Enum):
    """How a value comes."""

    PLAIN = "p"
    ENCODED = "e"
    """Percent-encoded, but for the slashes."""
    READY = "r"


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an expression before it is rendered; `foreign` names what of the event is in it, if any."""

    form: Form
    foreign: str

    def placed(self, text: str, before: str, *, from_event: bool) -> str:
        """Return the text as it has to stand behind what is `before` it. Raises `TemplateError`."""
        place = place_after(before)
        if place is Place.ORIGIN:
            if self.foreign and not from_event:
                raise TemplateError(origin_refused(self.foreign))
            if before and self.form is not Form.READY and _NO_HOST.search(text):
                raise TemplateError(_NO_HOST_WORDS)
            return text
        if self.form is Form.PLAIN:
            return quote(text, safe="")
        return text.replace("/", "%2F") if self.form is Form.ENCODED and place is Place.PATH else text


_NO_HOST_WORDS: Final = (
    "what is put into the host has characters that no host has; write {{ ... | raw_url }} if it brings its path along"
)


@dataclass(frozen=True, slots=True)
class Urls:
    """Which values in a nesting are URLs, and whether an event may say whom they lead to."""

    marked: Marked
    from_event: bool

    def child(self, key: str | int) -> Urls | None:
        """Look one level deeper."""
        marked = self.marked.child(key)
        return Urls(marked, self.from_event) if marked else None

    def at(self, keys: KeyPath) -> Urls | None:
        """Look as deep as these keys lead."""
        marked = self.marked.at(keys)
        return Urls(marked, self.from_event) if marked else None


def origin_refused(foreign: str) -> str:
    """Say that an event must not choose the host, and what to do."""
    return (
        f"the host of this address would come from {foreign}, so a sender could choose whom the request goes to; "
        "write the host and a slash in front of it, or url_from_event = true in this step"
    )


def place_after(text: str) -> Place:
    """Tell where in a URL that begins with this text its next character stands."""
    authority = _AUTHORITY.match(text)
    rest = text[authority.end() :] if authority else ""
    if not rest:
        return Place.ORIGIN
    if "#" in rest:
        return Place.FRAGMENT
    return Place.QUERY if "?" in rest else Place.PATH


def checked(url: str) -> str:
    """Return a URL that a template came to. Raises `TemplateError` if its path leads elsewhere."""
    if segment := dot_segment(url):
        raise TemplateError(
            f'its path would have "{segment}" as a part, which leads elsewhere; '
            "correct the event, or skip such events with `when`"
        )
    return url


def table_refused(foreign: str) -> str:
    """Say that an event must not bring a table that has a URL in it, and what to do."""
    return (
        f"this would come from {foreign} as a whole, and there is an address in it: a sender could choose whom the "
        "request goes to; write out what is in it, or url_from_event = true in this step"
    )


class UrlParts:
    """The parts of a template without statements, in their order: texts, and expressions with what renders each."""

    def __init__(self, parts: Sequence[str | tuple[Value, Render]], *, from_event: bool) -> None:
        self._parts = tuple(_merged(parts))
        self._from_event = from_event
        first = self._parts[0] if self._parts else ""
        self._host_is_written = isinstance(first, str) and place_after(first) is not Place.ORIGIN

    def render(self, document: Document, budget: Budget) -> str:
        """Return the URL. Raises `TemplateError`, and what the expressions raise."""
        url = ""
        for part in self._parts:
            if isinstance(part, str):
                url += part
            else:
                value, render = part
                text = as_text(render(document, budget), budget)
                budget.text(len(url) + len(text))
                if self._host_is_written and value.form is Form.PLAIN:  # nearly always; its place need not be sought
                    url += quote(text, safe="")
                else:
                    url += value.placed(text, url, from_event=self._from_event)
        return checked(url)


def _merged(parts: Iterable[str | tuple[Value, Render]]) -> Iterator[str | tuple[Value, Render]]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
        else:
            if text:
                yield text
            yield part
            text = ""
    if text:
        yield text


@pass_context
def mark(context: Context, value: object, form: str, foreign: str) -> str:
    """Write a value into rendered text so that `from_marked()` finds it again: a filter."""
    budget = budget_of(context)
    text = as_text(value, budget)
    budget.text(len(text))
    return f"{MARK}{form}{foreign}{MARK}{quote(text, safe='')}{MARK}"


def from_marked(text: str, budget: Budget, *, from_event: bool) -> str:
    """Make the URL out of what a template with marked values was rendered to. Raises `TemplateError`."""
    url = ""
    pieces = iter(text.split(MARK))
    for literal in pieces:
        url += literal
        if (about := next(pieces, None)) is not None:
            value = Value(Form(about[0]), about[1:])
            budget.text(len(url))
            url += value.placed(unquote(next(pieces)), url, from_event=from_event)
    return checked(url)
