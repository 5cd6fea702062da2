"""What is wrong with a template is said when it is loaded: names that nobody knows, secrets used in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables

from jackfield.errors import TemplateError
from jackfield.templates.paths.path import closest
from jackfield.templates.sandbox import Sandbox
from jackfield.templates.tags import Paths
from jackfield.templates.url_tree import READY

_DOCUMENT: Final = ("event", "pipeline", "response", "run", "steps")
_OTHER_TEMPLATES: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_CHECKED: Final = (nodes.Filter, nodes.Test, nodes.Name, *_OTHER_TEMPLATES)


def check_names(tree: nodes.Template, paths: Paths, sandbox: Sandbox) -> None:
    """Refuse when the template is loaded what would only fail when it is rendered."""
    names = []
    for node in tree.find_all(_CHECKED):
        match node:
            case nodes.Filter(name=name) if name == READY:
                raise TemplateError("raw_url stands last in an expression of an address, and nowhere else; take it out")
            case nodes.Filter(name=name):
                _require(name, sandbox.filters, "filter")
            case nodes.Test(name=name):
                _require(name, sandbox.tests, "test")
            case nodes.Name():
                names.append(node)
            case _:
                raise TemplateError("a template cannot include or import another one; write its text here")
    if {name.name for name in names} <= paths.keys() | sandbox.globals.keys():
        return  # nearly always; what follows takes as long as compiling does
    assigned = {name.name for name in names if name.ctx != "load"}
    for name in sorted(find_undeclared_variables(tree) - paths.keys() - assigned):
        path = f"$.{name}" if name in _DOCUMENT else f"$.event.{name}"
        raise TemplateError(f"{name} is not known here; data is reached by a path: write {path}")


def secret_names(tree: nodes.Template) -> frozenset[str]:
    """Find the names used as `secret.NAME`. Raises `TemplateError` if `secret` is used in any other way."""
    names, used = [], 0
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        match node:
            case nodes.Getattr(node=nodes.Name(name="secret"), attr=name):
                names.append(name)
            case nodes.Name(name="secret"):
                used += 1
    if len(names) != used:
        raise TemplateError("secrets are used one by one; write secret.NAME")
    return frozenset(names)


def readable(error: TemplateSyntaxError, paths: Paths) -> str:
    """Say what Jinja could not read, with paths as they are written."""
    message = (error.message or "").rstrip(".")
    for variable, path in paths.items():
        message = message.replace(variable, path.text)
    return f"not a valid template: {message}; correct it, or write {{{{ '{{{{' }}}} for literal braces"


def _require(name: str, known: Mapping[str, object], kind: str) -> None:
    if name not in known:
        nearest = closest(name, known)
        remedy = f"did you mean {nearest}?" if nearest else "install the plugin that has it, or take one of Jinja's"
        raise TemplateError(f"there is no {kind} {name}; {remedy}")
