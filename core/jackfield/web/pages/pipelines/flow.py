"""The picture of a pipeline: its source and its steps, also of one that cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jackfield.components.plugins.registry import ActionClass, Registry, SourceClass
from jackfield.components.values import Text
from jackfield.errors import ConfigurationError, PluginError
from jackfield.pipelines.definition import Pipeline, pipeline_file, step_name
from jackfield.project.toml_file import TomlFile


@dataclass(frozen=True, slots=True)
class Node:
    """One component of the picture: what people call it, what `use` says, and, of a step, its name.

    `known` is false where no plugin offers it.
    """

    title: Text
    use: str
    name: str = ""
    conditional: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """What a pipeline connects; `source` is None where its file does not say it in a way that can be read."""

    source: Node | None
    steps: tuple[Node, ...]


def flow_of(pipeline: Pipeline, registry: Registry) -> Flow:
    """Draw a pipeline. One that is blocked is drawn by what its file says, as far as that can be read."""
    if pipeline.blocked or pipeline.source is None:
        return _written(pipeline, registry)
    source = pipeline.source.source
    steps = [
        Node(step.action.title, step.action.name, step.name, conditional=step.when is not None)
        for step in pipeline.steps
    ]
    return Flow(Node(source.title, source.name), tuple(steps))


def _written(pipeline: Pipeline, registry: Registry) -> Flow:
    try:
        data = TomlFile.parse(pipeline.text, pipeline_file(pipeline.id)).data
    except ConfigurationError:
        return Flow(None, ())
    tables = data.get("steps")
    steps = [_node(table, registry.action) for table in (tables if isinstance(tables, list) else ())]
    source = data.get("source")
    return Flow(_node(source, registry.source) if source else None, tuple(steps))


def _node(table: Any, find: Callable[[str], SourceClass | ActionClass]) -> Node:
    table = table if isinstance(table, dict) else {}
    use = str(table.get("use", "?"))
    try:
        return Node(find(use).title, use, step_name(table), "when" in table)
    except PluginError:
        return Node(use, use, step_name(table), "when" in table, known=False)
