"""A template of a URL as Jinja has parsed it: which of its expressions are values, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from jinja2 import nodes

from jackfield.errors import TemplateError
from jackfield.templates.tags import Paths
from jackfield.templates.url_template import MARK, Form, Value

READY: Final = "raw_url"
"""The filter whose result is inserted as it is."""
VALUE: Final = "value of a url"
"""The filter, which nobody can write, that tells values from text where a template has statements."""

_ENCODED: Final = "urlencode"
_OWN_ROOTS: Final = frozenset({"pipeline", "run"})
_STATEMENTS: Final = (nodes.Output, nodes.If, nodes.For, nodes.Assign)
_STAND_IN: Final = "x"
_STAND_IN_FOR_ALL: Final = "https://x"


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
        self._spelt = self._in_loops() if self._event_paths else frozenset()

    def _in_loops(self) -> frozenset[nodes.Expr]:
        """Find what loops write: a loop can spell any host out of letters that stand in the template."""
        loops = self.tree.find_all(nodes.For)
        return frozenset(part for loop in loops for output in loop.find_all(nodes.Output) for part in output.nodes)

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
            if MARK in known:
                raise TemplateError("an address has no control characters; take them out")
            return self.value(part).placed(known, before, from_event=from_event) if part in self._spelt else known
        if self._is_own(part) and part not in self._spelt:
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
            return Value(Form.READY, self._origin_of(part))
        encoded = isinstance(part, nodes.Filter) and part.name == _ENCODED
        return Value(Form.ENCODED if encoded else Form.PLAIN, self._origin_of(part))

    def _origin_of(self, part: nodes.Expr) -> str:
        return self._event_paths[0] if part in self._spelt else self.foreign(part)

    def marked(self) -> nodes.Template:
        """Return the tree with each value marked."""
        for output in self.tree.find_all(nodes.Output):
            output.nodes = [self._marked(part) for part in output.nodes]
        return self.tree

    def _marked(self, part: nodes.Expr) -> nodes.Expr:
        if self.text(part) is not None and part not in self._spelt:
            return part
        value = self.value(part)
        arguments: list[nodes.Expr] = [nodes.Const(value.form.value), nodes.Const(value.foreign)]
        if isinstance(part, nodes.TemplateData):
            part = nodes.Const(part.data, lineno=part.lineno)
        marked = nodes.Filter(part, VALUE, arguments, [], None, None, lineno=part.lineno)
        return marked.set_environment(self.tree.environment)  # type: ignore[arg-type, return-value]

    def _is_own(self, part: nodes.Expr) -> bool:
        """Tell whether an expression is made of secrets and constants only."""
        return not any(name.name != "secret" for name in (*part.find_all(nodes.Name), *_itself(part)))

    def foreign(self, node: nodes.Node) -> str:
        """Name what of the event, or of an earlier step, may be in the value of an expression.

        What only decides between values, as the condition of `a if b else c` does, or a key between those of a table
        that is written out, is not in it. What decides between the letters of a text is.
        """
        values: list[nodes.Node]
        match node:
            case nodes.Name(name=name):
                return self._foreign_name(name)
            case nodes.CondExpr(expr1=first, expr2=second):
                values = [first, second] if second else [first]
            case nodes.Getitem(node=nodes.Dict() | nodes.List() | nodes.Tuple() as table, arg=key):
                values = [table, key] if isinstance(key, nodes.Slice) else [table]
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
