"""Templates in a URL: what they insert is encoded by where it stands, and never says whom a request goes to.

A secret is the operator's own text, as what stands around the braces: it is inserted as it is. Everything else is a
value, which can be no more than a piece of a path segment, of the query or of the fragment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import pass_context

from jackfield.budget import Budget
from jackfield.errors import TemplateError
from jackfield.jsonpath import Document
from jackfield.marked_options import Marked
from jackfield.metering import budget_of
from jackfield.sandbox import as_text
from jackfield.tags import Paths
from jackfield.tomlfile import KeyPath
from jackfield.url_options import dot_segment

READY: Final = "raw_url"
"""The filter whose result is inserted as it is."""
VALUE: Final = "value of a url"
"""The filter, which nobody can write, that tells values from text where a template has statements."""

_ENCODED: Final = "urlencode"
_OWN_ROOTS: Final = frozenset({"pipeline", "run"})
_STATEMENTS: Final = (nodes.Output, nodes.If, nodes.For, nodes.Assign)
_AUTHORITY: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_NO_HOST: Final = re.compile(r"[/?#@\\\s\x00-\x20\x7f]")
_MARK: Final = "\0"
_STAND_IN: Final = "x"
_STAND_IN_FOR_ALL: Final = "https://x"

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
    """Write a value into rendered text so that `from_marked()` finds it again: the filter `VALUE`."""
    budget = budget_of(context)
    text = as_text(value, budget)
    budget.text(len(text))
    return f"{_MARK}{form}{foreign}{_MARK}{quote(text, safe='')}{_MARK}"


def from_marked(text: str, budget: Budget, *, from_event: bool) -> str:
    """Make the URL out of what a template with marked values was rendered to. Raises `TemplateError`."""
    url = ""
    pieces = iter(text.split(_MARK))
    for literal in pieces:
        url += literal
        if (about := next(pieces, None)) is not None:
            value = Value(Form(about[0]), about[1:])
            budget.text(len(url))
            url += value.placed(unquote(next(pieces)), url, from_event=from_event)
    return checked(url)


class UrlTree:
    """A template of a URL as Jinja has parsed it; `raw_url` is noted, and taken out of the tree."""

    def __init__(self, tree: nodes.Template, paths: Paths, secrets: Mapping[str, str]) -> None:
        self._paths = paths
        self._secrets = secrets
        self._event_paths = sorted(path.text for path in paths.values() if path.keys[:1] not in _own_keys())
        self._ready: set[nodes.Expr] = set()
        self.tree = tree
        for output in tree.find_all(nodes.Output):
            output.nodes = [self._noted(part) for part in output.nodes]

    def _noted(self, part: nodes.Expr) -> nodes.Expr:
        if not isinstance(part, nodes.Filter) or part.name != READY or part.node is None:
            return part
        self._ready.add(part.node)
        return part.node

    def check(self, constant: Callable[[nodes.Expr], str], *, from_event: bool) -> None:
        """Refuse, when the template is loaded, what can never be right. Raises `TemplateError`.

        `constant` renders an expression that is the same at every run.
        """
        for node in self.tree.find_all(nodes.Stmt):
            if not isinstance(node, _STATEMENTS) or (isinstance(node, nodes.For) and node.recursive):
                raise TemplateError("an address takes no other statements than if, for and set; make it simpler")
        before = ""
        for output in self.tree.find_all(nodes.Output):
            for part in output.nodes:
                before += self._foreseen(part, before, constant, from_event=from_event)

    def _foreseen(
        self, part: nodes.Expr, before: str, constant: Callable[[nodes.Expr], str], *, from_event: bool
    ) -> str:
        if (known := self.text(part)) is not None:
            if _MARK in known:
                raise TemplateError("an address has no control characters; take them out")
            return known
        if self._is_own(part):
            return constant(part)
        return self.value(part).placed(_STAND_IN if before else _STAND_IN_FOR_ALL, before, from_event=from_event)

    def text(self, part: nodes.Expr) -> str | None:
        """Return what stands in the URL as it is, at every run; None for values."""
        match part:
            case nodes.TemplateData(data=text):
                return text
            case nodes.Getattr(node=nodes.Name(name="secret"), attr=name):
                return self._secrets.get(name, "")
        return None

    def value(self, part: nodes.Expr) -> Value:
        """Say how the value of an expression comes, and what of the event is in it."""
        if part in self._ready or self._is_own(part):
            return Value(Form.READY, self.foreign(part))
        encoded = isinstance(part, nodes.Filter) and part.name == _ENCODED
        return Value(Form.ENCODED if encoded else Form.PLAIN, self.foreign(part))

    def marked(self) -> nodes.Template:
        """Return the tree with each value marked."""
        for output in self.tree.find_all(nodes.Output):
            output.nodes = [self._marked(part) for part in output.nodes]
        return self.tree

    def _marked(self, part: nodes.Expr) -> nodes.Expr:
        if self.text(part) is not None:
            return part
        value = self.value(part)
        arguments: list[nodes.Expr] = [nodes.Const(value.form.value), nodes.Const(value.foreign)]
        marked = nodes.Filter(part, VALUE, arguments, [], None, None, lineno=part.lineno)
        return marked.set_environment(self.tree.environment)  # type: ignore[arg-type, return-value]

    def _is_own(self, part: nodes.Expr) -> bool:
        """Tell whether an expression is made of secrets and constants only."""
        return not any(name.name != "secret" for name in (*part.find_all(nodes.Name), *_itself(part)))

    def foreign(self, node: nodes.Node) -> str:
        """Name what of the event, or of an earlier step, may be in the value of an expression.

        What only decides between values, as the condition of `a if b else c` does, is not in it.
        """
        values: list[nodes.Node]
        match node:
            case nodes.Name(name=name):
                return self._foreign_name(name)
            case nodes.CondExpr(expr1=first, expr2=second):
                values = [first, second] if second else [first]
            case nodes.Getitem(node=container):
                values = [container]
            case nodes.Compare() | nodes.Test() | nodes.Not():
                values = []
            case _:
                values = [*node.iter_child_nodes()]
        return next((found for value in values if (found := self.foreign(value))), "")

    def _foreign_name(self, name: str) -> str:
        if name == "secret":
            return ""
        if name in self._paths:
            path = self._paths[name]
            return "" if path.keys[:1] in _own_keys() else path.text
        return self._event_paths[0] if self._event_paths else ""  # set in the template, out of whatever is in it


def _own_keys() -> frozenset[tuple[str]]:
    return frozenset((root,) for root in _OWN_ROOTS)


def _itself(part: nodes.Expr) -> tuple[nodes.Name, ...]:
    return (part,) if isinstance(part, nodes.Name) else ()
