"""Templates in options: JSONPath selects, Jinja renders.

The value of each path is looked up at every rendering; a string that is nothing but one path does not go through Jinja
at all. Braces in the data are never read as a template.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from jinja2 import TemplateSyntaxError, UndefinedError, nodes
from pydantic import JsonValue

from jackfield.errors import TemplateError
from jackfield.templates.limits.budget import Budget
from jackfield.templates.limits.metering import BUDGET, metered
from jackfield.templates.marked_options import Marked
from jackfield.templates.paths.path import Document, Path
from jackfield.templates.sandbox import Blank, Sandbox, Withheld, as_json, as_text, select
from jackfield.templates.tags import Paths, extract_paths, is_template
from jackfield.templates.template_checks import check_names, readable, secret_names
from jackfield.templates.url_template import Render, UrlParts, Urls, Value, from_marked, mark, table_refused
from jackfield.templates.url_tree import VALUE, UrlTree

__all__ = ["Blank", "Template", "TemplateEngine", "Withheld", "is_template"]

_Render: TypeAlias = Callable[[Document, Budget], JsonValue]
_Reader: TypeAlias = Callable[[Document, Budget], object]

_KEPT: Final = 4096
"""So many compiled texts are kept for when they come again."""
_FEW: Final = 8
_LONGEST: Final = 100_000
_NO_FILTERS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled value.

    `static` says that there is no template in it: `render()` gives the same value each time. `secrets` are the names
    used as `secret.NAME`, `paths` what it looks up in the document; whether there are such is for the caller to check.
    `single` says that it is one expression and nothing beside it, and so gives a value of any type.
    """

    static: bool
    single: bool
    secrets: frozenset[str]
    paths: frozenset[Path]
    rendered: _Render
    """The same as `render()`, within a budget that may have been used up in part."""

    def render(self, document: Document) -> JsonValue:
        """Return the value for a run's document; what was rendered shares nothing with the document.

        Raises `TemplateError`, which names the option, and a key that is missing, but never a value. That it raises as
        well if this would take more work, or make something longer, than one rendering may.
        """
        return self.rendered(document, Budget())


class _Here(NamedTuple):
    """What of `Urls` matters at one place."""

    is_url: bool
    from_event: bool


class TemplateEngine:
    """Compiles the templates of one project.

    `secrets` are read now, not later; `filters` are added to Jinja's own, by name.
    """

    def __init__(self, secrets: Mapping[str, str], filters: Mapping[str, Callable[..., object]] = _NO_FILTERS) -> None:
        self._secrets = MappingProxyType(dict(secrets))
        self._sandbox = Sandbox(filters, {"secret": self._secrets})
        self._sandbox.filters[VALUE] = mark
        self._compiled = lru_cache(_KEPT)(self._compile_source)

    def compile(self, value: JsonValue, where: str, urls: Urls | None = None) -> Template:
        """Compile a string, or all strings in a nesting of dicts and lists.

        `where` is the key path of the value (`steps[0].url`); messages begin with it, and inside of a nesting with
        the rest of the path as well (`steps[0].json.items[2]`). `urls` says which of the strings are URLs. Raises
        `TemplateError`.
        """
        if isinstance(value, str) and is_template(value):
            return self._compile_text(value, where, urls)
        if isinstance(value, dict):
            return self._compile_object(value, where, urls)
        if isinstance(value, list):
            return self._compile_array(value, where, urls)
        return _constant(value)

    def _compile_object(self, value: dict[str, JsonValue], where: str, urls: Urls | None) -> Template:
        for key in filter(is_template, value):
            raise TemplateError(f"the key {key!r} is a template, but only values can be; write a plain key", where)
        members = {key: self.compile(item, f"{where}.{key}", urls and urls.child(key)) for key, item in value.items()}

        def render(document: Document, budget: Budget) -> JsonValue:
            return {key: member.rendered(document, budget) for key, member in members.items()}

        return _combine(value, members.values(), render)

    def _compile_array(self, value: list[JsonValue], where: str, urls: Urls | None) -> Template:
        elements = [
            self.compile(item, f"{where}[{index}]", urls and urls.child(index)) for index, item in enumerate(value)
        ]

        def render(document: Document, budget: Budget) -> JsonValue:
            return [element.rendered(document, budget) for element in elements]

        return _combine(value, elements, render)

    def _compile_text(self, text: str, where: str, urls: Urls | None) -> Template:
        if len(text) > _LONGEST:
            raise TemplateError(f"a template has {_LONGEST} characters at most; divide it", where)
        try:
            template = self._compiled(text, urls and _Here(bool(urls.marked.here), urls.from_event))
        except TemplateError as error:
            raise TemplateError(error.what, where) from None
        except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
            kind = type(error).__name__
            raise TemplateError(f"not a template that Jinja can compile ({kind}); make it simpler", where) from None
        return replace(template, rendered=_located(template.rendered, where))

    def _compile_source(self, text: str, here: _Here | None) -> Template:
        """Compile a text wherever it stands: a file is gone through twice, and files have much in common."""
        urls = here and Urls(Marked(here.is_url), here.from_event)
        source, paths = extract_paths(text)
        try:
            tree = self._sandbox.parse(source)
            url = UrlTree(tree, paths, self._secrets) if urls and urls.marked.here else None
            check_names(tree, paths, self._sandbox)
            secrets = secret_names(tree)
            if urls:
                self._check_origin(urls, url or UrlTree(tree, paths, self._secrets))
            if not secrets <= self._secrets.keys():
                render = self._without(secrets)
            elif urls and url:
                render = self._url_renderer(url, paths, from_event=urls.from_event)
            else:
                render = self._renderer(tree, paths)
        except TemplateSyntaxError as error:
            raise TemplateError(readable(error, paths)) from None
        except UndefinedError as error:  # Jinja joins constants when it compiles
            raise TemplateError(str(error)) from None
        return Template(
            static=False,
            single=_is_single(_parts(tree)),
            secrets=secrets,
            paths=frozenset(paths.values()),
            rendered=render,
        )

    def _check_origin(self, urls: Urls, url: UrlTree) -> None:
        """Refuse what would let an event say whom a request goes to."""
        if urls.marked.here:
            url.check(self._constant, from_event=urls.from_event)
        elif not urls.from_event and (foreign := url.foreign(url.tree)):
            raise TemplateError(table_refused(foreign))

    def _constant(self, expression: nodes.Expr) -> str:
        """Render what is made of secrets and constants only; what fails now will fail, and say so, in a run."""
        try:
            budget = Budget()
            return as_text(self._expression_renderer(expression, {})({}, budget), budget)
        except Exception:  # noqa: BLE001 - filters are a plugin's
            return ""

    def _without(self, secrets: frozenset[str]) -> _Render:
        missing = min(secrets - self._secrets.keys())

        def render(*_: object) -> JsonValue:
            raise TemplateError(f"secret {missing} is not set; put it into secrets.toml or JACKFIELD_SECRET_{missing}")

        return render

    def _renderer(self, tree: nodes.Template, paths: Paths) -> _Render:
        """Choose the cheapest way: most templates are paths and text in a row, for which Jinja need not run."""
        parts = _parts(tree)
        readers = [reader for part in parts if (reader := self._reader(part, paths))]
        simple = bool(parts) and len(readers) == len(parts)
        if _is_single(parts):
            return _value_renderer(readers[0]) if simple else self._expression_renderer(parts[0], paths)
        return _text_renderer(readers) if simple else self._jinja_renderer(tree, paths)

    def _url_renderer(self, url: UrlTree, paths: Paths, *, from_event: bool) -> _Render:
        parts: list[str | tuple[Value, Render]] = []
        for part in _parts(url.tree):
            text = url.text(part)
            reader = self._reader(part, paths) or self._expression_renderer(part, paths)
            parts.append((url.value(part), reader) if text is None else text)
        if parts:
            return UrlParts(parts, from_event=from_event).render
        render = self._jinja_renderer(url.marked(), paths)
        return lambda document, budget: from_marked(
            as_text(render(document, budget), budget), budget, from_event=from_event
        )

    def _reader(self, part: nodes.Expr, paths: Paths) -> _Reader | None:
        match part:
            case nodes.TemplateData(data=text):
                return lambda *_: text
            case nodes.Name(name=name) if name in paths:
                return partial(select, paths[name])
            case nodes.Getattr(node=nodes.Name(name="secret"), attr=name):
                secret = self._secrets[name]
                return lambda *_: secret
        return None

    def _jinja_renderer(self, tree: nodes.Template, paths: Paths) -> _Render:
        template = self._sandbox.from_string(metered(tree))
        return lambda document, budget: template.render(_variables(paths, document, budget))

    def _expression_renderer(self, expression: nodes.Expr, paths: Paths) -> _Render:
        assignment = nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)
        template = self._sandbox.from_string(metered(nodes.Template([assignment], lineno=1)))

        def render(document: Document, budget: Budget) -> JsonValue:
            context = template.new_context(_variables(paths, document, budget))
            for _ in template.root_render_func(context):
                pass
            return as_json(context.vars["result"], budget)

        return render


def _parts(tree: nodes.Template) -> list[nodes.Expr]:
    """Return the expressions and texts that a template is, none if it has statements."""
    return tree.body[0].nodes if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) else []


def _is_single(parts: Sequence[nodes.Expr]) -> bool:
    return len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData)


def _value_renderer(read: _Reader) -> _Render:
    return lambda document, budget: as_json(read(document, budget), budget)


def _text_renderer(readers: Collection[_Reader]) -> _Render:
    def render(document: Document, budget: Budget) -> JsonValue:
        pieces = [as_text(read(document, budget), budget) for read in readers]
        if len(pieces) > _FEW:  # together these are no longer than a few of what they are made of
            budget.text(sum(map(len, pieces)))
        return "".join(pieces)

    return render


def _constant(value: JsonValue) -> Template:
    return Template(static=True, single=False, secrets=frozenset(), paths=frozenset(), rendered=lambda *_: value)


def _combine(value: JsonValue, parts: Collection[Template], render: _Render) -> Template:
    if all(part.static for part in parts):
        return _constant(value)
    return Template(
        static=False,
        single=False,
        secrets=frozenset[str]().union(*(part.secrets for part in parts)),
        paths=frozenset[Path]().union(*(part.paths for part in parts)),
        rendered=render,
    )


def _located(render: _Render, where: str) -> _Render:
    """Make errors say where the template is. What Jinja and the filters say of a value is left out."""

    def located(document: Document, budget: Budget) -> JsonValue:
        try:
            return render(document, budget)
        except TemplateError as error:
            raise TemplateError(error.what, where) from None
        except UndefinedError as error:
            raise TemplateError(str(error), where) from None
        except Exception as fault:  # noqa: BLE001 - filters are a plugin's, and Jinja raises what Python raises
            kind = type(fault).__name__
            what = f"the template does not suit this event ({kind}); check the kinds of its values"
            raise TemplateError(what, where) from None

    return located


def _variables(paths: Paths, document: Document, budget: Budget) -> dict[str, object]:
    variables = {variable: select(path, document, budget) for variable, path in paths.items()}
    variables[BUDGET] = budget
    return variables
