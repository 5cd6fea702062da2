"""The form of a whole pipeline: its own keys, its source, its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from jackfield.components.host_keys.tables import PipelineSettings, SourceSettings, StepSettings
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Text
from jackfield.errors import PluginError
from jackfield.pipelines.definition import step_name
from jackfield.problems import KeyPath, Problem, dotted
from jackfield.web.forms.fields import Field, field_name, make_fields
from jackfield.web.forms.option_shapes import Option, read_options

_ALWAYS_SHOWN: Final = 8
"""How many options of a component are shown from the start; further ones are folded away, unless they are used."""


@dataclass(frozen=True, slots=True)
class Part:
    """The source or a step: `fields` are what it is about, `further` the component's other options, `more` the host's.

    `title` is None if what `use` names is not installed: then its options are kept, and cannot be shown.
    """

    path: KeyPath
    use: str
    name: str
    title: Text | None
    plugin: str = ""
    fields: tuple[Field, ...] = ()
    further: tuple[Field, ...] = ()
    more: tuple[Field, ...] = ()
    unknown: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    """How its keys are ordered in a file: `use`, its name, the component's options as it has them, the host's."""
    problems: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[Field, ...]:
        """All of its fields."""
        return (*self.fields, *self.further, *self.more)

    @property
    def wrong(self) -> bool:
        """Whether something is wrong in it."""
        return bool(self.problems) or any(field.wrong for field in self.every)

    def changed(self, change: Any) -> Part:
        """Return the same with each group of fields changed by a function."""
        return replace(self, fields=change(self.fields), further=change(self.further), more=change(self.more))


@dataclass(frozen=True, slots=True)
class PipelineForm:
    """All fields of a pipeline. `problems` belong to no field."""

    head: tuple[Field, ...]
    more: tuple[Field, ...]
    source: Part
    steps: tuple[Part, ...]
    problems: tuple[Problem, ...] = ()
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the source and the steps."""
        return (self.source, *self.steps)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field, in the order of the page; those of a group are in it."""
        return (*self.head, *self.more, *(field for part in self.parts for field in part.every))

    def changed(self, change: Any) -> PipelineForm:
        """Return the same with each group of fields changed by a function."""
        steps = tuple(step.changed(change) for step in self.steps)
        return replace(
            self, head=change(self.head), more=change(self.more), source=self.source.changed(change), steps=steps
        )


def pipeline_options() -> tuple[Option, ...]:
    """Return the options of the file itself, without its tables."""
    return tuple(one for one in read_options(PipelineSettings) if one.name not in {"source", "steps"})


def source_options() -> tuple[Option, ...]:
    """Return the host's options of any source, without `use`."""
    return tuple(one for one in read_options(SourceSettings) if one.name != "use")


def step_options() -> tuple[Option, ...]:
    """Return the host's options of any step, without `use`."""
    return tuple(one for one in read_options(StepSettings) if one.name != "use")


def make_form(data: Mapping[str, Any], registry: Registry, shapes: Mapping[str, int]) -> PipelineForm:
    """Make the form of a file that is TOML, whatever it says. `shapes` says which shape was chosen in which field."""
    host = pipeline_options()
    own = make_fields(host, data, (), shapes)
    table = data.get("source")
    source = _source(table if isinstance(table, dict) else {}, registry, shapes)
    tables = data.get("steps")
    found = enumerate(tables if isinstance(tables, list) else ())
    steps = tuple(_step(table, index, registry, shapes) for index, table in found if isinstance(table, dict))
    orders: dict[str, Sequence[str]] = {field_name(()): [option.name for option in host]}
    form = PipelineForm(own[:1], own[1:], source, steps)
    orders |= {field_name(part.path): part.order for part in (source, *steps)}
    return replace(form, orders=orders | dict(_orders(form.fields)))


def with_problems(form: PipelineForm, problems: Iterable[Problem]) -> PipelineForm:
    """Put each problem at the field that it is about; those about none stay with the part, or with the form."""
    keys = {dotted(field.path): field for top in form.fields for field in top.each()}
    parts = {dotted(part.path): part for part in form.parts}
    at: dict[str, list[str]] = {}
    rest = []
    for problem in problems:
        place = max((key for key in (*keys, *parts) if _within(problem.key, key)), key=len, default=None)
        if place is None:
            rest.append(problem)
        else:
            inner = problem.key[len(place) :].lstrip(".")
            at.setdefault(place, []).append(f"{inner}: {problem.message}" if inner else problem.message)
    form = form.changed(lambda fields: tuple(_told(field, at) for field in fields))
    source, *steps = (replace(part, problems=tuple(at.get(dotted(part.path), ()))) for part in form.parts)
    return replace(form, source=source, steps=tuple(steps), problems=tuple(rest))


def _told(field: Field, problems: Mapping[str, Sequence[str]]) -> Field:
    inside = tuple(_told(one, problems) for one in field.fields)
    return replace(field, fields=inside, problems=(*field.problems, *problems.get(dotted(field.path), ())))


def _within(key: str, place: str) -> bool:
    return key == place or key.startswith((f"{place}.", f"{place}["))


def _source(table: Mapping[str, Any], registry: Registry, shapes: Mapping[str, int]) -> Part:
    host = source_options()
    part = Part(("source",), str(table.get("use", "")), "", None, more=make_fields(host, table, ("source",), shapes))
    return _with_options(part, table, registry.source, registry, shapes)


def _step(table: Mapping[str, Any], index: int, registry: Registry, shapes: Mapping[str, int]) -> Part:
    name, *host = step_options()
    path: KeyPath = ("steps", index)
    use = str(table.get("use", ""))
    fields = make_fields((name,), table, path, shapes)
    part = Part(path, use, step_name(table), None, fields=fields, more=make_fields(host, table, path, shapes))
    return _with_options(part, table, registry.action, registry, shapes)


def _with_options(
    part: Part,
    table: Mapping[str, Any],
    find: Callable[[str], Any],
    registry: Registry,
    shapes: Mapping[str, int],
) -> Part:
    """Add what the component takes."""
    first, last = (tuple(field.option.name for field in fields) for fields in (part.fields, part.more))
    try:
        kind = find(part.use)
    except PluginError:
        return replace(part, unknown=tuple(key for key in table if key not in {"use", *first, *last}))
    fields = make_fields(read_options(kind.Options), table, part.path, shapes)
    shown = tuple(field for index, field in enumerate(fields) if _stays(field, index, len(fields)))
    order = ("use", *first, *(field.option.name for field in fields), *last)
    return replace(
        part,
        title=kind.title,
        plugin=plugin_of(registry, kind),
        fields=(*part.fields, *shown),
        further=tuple(field for field in fields if field not in shown),
        unknown=tuple(key for key in table if key not in order),
        order=order,
    )


def _stays(field: Field, index: int, count: int) -> bool:
    return index < _ALWAYS_SHOWN or count <= _ALWAYS_SHOWN + 2 or field.given or field.option.required


def plugin_of(registry: Registry, kind: Any) -> str:
    """Say which plugin offers a component, and in which version."""
    owner = next((plugin for plugin in registry.plugins if kind in plugin.components), None)
    return f"{owner.distribution or owner.module} {owner.version}".strip() if owner else ""


def _orders(fields: Iterable[Field]) -> Iterator[tuple[str, Sequence[str]]]:
    for table in fields:
        if table.kind in {"group", "items"}:
            yield table.name, [one.option.name for one in table.fields]
            yield from _orders(table.fields)
