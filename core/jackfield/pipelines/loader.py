"""Makes pipelines out of their files, collecting every mistake on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from jackfield.components.host_keys.tables import PipelineSettings, ReplySettings, SourceSettings, StepSettings
from jackfield.components.options import OptionsModel
from jackfield.components.plugins.registry import Registry
from jackfield.components.response_template import ResponseTemplate
from jackfield.components.validation import valid_part
from jackfield.errors import ConfigurationError, PluginError, TemplateError
from jackfield.journal.records import Limits
from jackfield.masking import secret_mask
from jackfield.pipelines.definition import (
    PIPELINE_ID,
    Pipeline,
    SourceDefinition,
    StepDefinition,
    pipeline_file,
    step_name,
)
from jackfield.pipelines.labels import Labeller
from jackfield.pipelines.reading import FileReading
from jackfield.pipelines.rendered_options import OptionFacts, RenderedOptions, secret_values
from jackfield.problems import KeyPath, Problem
from jackfield.project.key_literals import key_literals
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.templates.engine import Template, TemplateEngine
from jackfield.templates.paths.path import Path as JsonPath
from jackfield.templates.paths.path import event_path
from jackfield.templates.scope import Scope
from jackfield.templates.url_template import Urls

MOST_STEPS: Final = 200
"""So many steps can be checked while somebody waits for it."""

_SOURCE: Final[KeyPath] = ("source",)
_KindT = TypeVar("_KindT")


class PipelineLoader:
    """Makes pipelines out of files, with the plugins and secrets at hand."""

    def __init__(self, registry: Registry, secrets: Secrets, folder: Path = Path()) -> None:
        self.registry = registry
        self.secrets = secrets
        self.folder = folder
        self.engine = TemplateEngine(secrets, registry.filters)
        self.mask = secret_mask(secrets.values())
        self.facts = cache(OptionFacts.of)

    def load(self, id: str, file: TomlFile) -> Pipeline:
        """Make a pipeline; every mistake in the file is in its `problems`. Raises nothing, whatever plugins raise."""
        reading = _PipelineReading(self, id, file)
        pipeline = reading.apart((), reading.pipeline)
        return pipeline or self._unreadable(id, reading.found())

    def read(self, id: str, path: Path) -> Pipeline:
        """Make a pipeline out of its file, whatever is wrong with that."""
        try:
            return self.load(id, TomlFile.read(path, pipeline_file(id)))
        except ConfigurationError as error:
            return self._unreadable(id, error.problems)

    def _unreadable(self, id: str, problems: tuple[Problem, ...]) -> Pipeline:
        return Pipeline(id, id, "", "", None, 1, (), Limits(), None, None, self.mask, problems)

    def fixed_options(self, model: type[OptionsModel], file: TomlFile, where: KeyPath) -> FixedOptions:
        """Read the table at `where` as options that no event is known to: templates may use secrets only."""
        table: Any = file.data
        for key in where:
            table = table[key]
        reading = FileReading(file, secrets=self.secrets, engine=self.engine, facts=self.facts, folder=self.folder)
        options = reading.apart(where, partial(reading.fixed_options, model, table, where))
        return FixedOptions(options, reading.found())


@dataclass(frozen=True, slots=True)
class FixedOptions:
    """Options that are rendered once, when they are read; None if something is wrong with them."""

    options: OptionsModel | None
    problems: tuple[Problem, ...]


class _PipelineReading(FileReading):
    """One reading of one pipeline's file."""

    def __init__(self, loader: PipelineLoader, id: str, file: TomlFile) -> None:
        super().__init__(file, secrets=loader.secrets, engine=loader.engine, facts=loader.facts, folder=loader.folder)
        self.id = id
        self.registry = loader.registry
        self.mask = loader.mask
        self.scope = Scope(loader.secrets)

    def pipeline(self) -> Pipeline:
        if not PIPELINE_ID.fullmatch(self.id):
            self.report((), "rename the file: a pipeline's name has lower-case Latin letters, digits, - and _ only")
        data = self.file.data
        self.validated(PipelineSettings, data, ())
        settings = valid_part(PipelineSettings, data, source={}, steps=[{}])
        table = data.get("source")
        source = self.apart(_SOURCE, partial(self.source, table)) if isinstance(table, dict) else None
        steps = tuple(self.steps(data.get("steps")))
        order_by = self.apart(("order_by",), partial(self.expression, settings.order_by, ("order_by",), self.scope))
        label = self.apart(("label",), partial(self.label, settings.label))
        hidden = self.apart(("mask",), partial(self.hidden, data.get("mask", [])))
        self.secret_values.update(literal.text for literal in key_literals(data))
        mask = self.mask.extended(self.secret_values) if self.secret_values else self.mask
        return Pipeline(
            id=self.id,
            title=settings.title or self.id,
            version=hashlib.sha256(to_json(_sorted(data))).hexdigest()[:12],
            text=self.file.text,
            source=source,
            address_version=valid_part(SourceSettings, settings.source, use="").address_version,
            steps=steps,
            limits=Limits(settings.concurrency, settings.rate),
            order_by=order_by,
            pause_after=settings.pause_after,
            mask=mask,
            hidden=hidden,
            labeller=Labeller(label, source.source.identified_by if source else ()),
            problems=self.found(),
        )

    def label(self, text: str | None) -> Template | None:
        """Compile the label of runs, which may not hold a secret: whoever sees the journal sees it."""
        template = self.template(text, ("label",), self.scope)
        if template is not None and template.secrets:
            self.report(("label",), "may not use a secret, for it is shown in the journal; take values of the event")
            return None
        return template

    def hidden(self, paths: object) -> tuple[JsonPath, ...] | None:
        """Compile what viewers do not see; None if something is wrong with one of the paths."""
        found = []
        for index, text in enumerate(paths) if isinstance(paths, list) else ():
            try:
                found.append(event_path(text) if isinstance(text, str) else None)
            except Exception as error:  # noqa: BLE001 - a library compiles it, which may raise anything
                self.report(("mask", index), error.what if isinstance(error, TemplateError) else repr(error))
                found.append(None)
        return tuple(path for path in found if path) if isinstance(paths, list) and all(found) else None

    def source(self, table: dict[str, Any]) -> SourceDefinition | None:
        own, rest = _parted(SourceSettings, table)
        settings = self.validated(SourceSettings, own, _SOURCE)
        valid = valid_part(SourceSettings, own, use="")
        dedupe = self.expression(valid.dedupe, (*_SOURCE, "dedupe"), self.scope)
        reply = self.reply(valid.reply)
        kind = self.component(self.registry.source, table, _SOURCE)
        options = self.fixed_options(kind.Options if kind else None, rest, _SOURCE, beside=SourceSettings.model_fields)
        if kind is None or settings is None or options is None:
            return None
        self.secret_values.update(secret_values(options))
        try:
            source = kind(options)
            return SourceDefinition(source, settings, dedupe, reply, source.confidential())
        except Exception as fault:  # noqa: BLE001 - a plugin's fault blocks this pipeline and no other
            self.report(_SOURCE, f"source {kind.name} cannot be made: {fault!r}")
            return None

    def reply(self, reply: ReplySettings | None) -> Template | None:
        if reply is None:
            return None
        key, value = ("text", reply.text) if reply.json_ is None else ("json", reply.json_)
        return self.template(value, (*_SOURCE, "reply", key), replace(self.scope, public=True))

    def steps(self, tables: object) -> Iterator[StepDefinition]:
        earlier: list[str] = []
        found = tables if isinstance(tables, list) else []
        if len(found) > MOST_STEPS:
            self.report(("steps", MOST_STEPS), f"is one step too many: a pipeline has {MOST_STEPS} at most; divide it")
        for index, table in enumerate(found[:MOST_STEPS]):
            if not isinstance(table, dict):
                continue
            name = step_name(table)
            if name in earlier:
                message = f'two steps are called "{name}"; give this one a name of its own'
                self.report(("steps", index, "name"), message)
            scope = Scope(self.secrets, tuple(earlier))
            step = self.apart(("steps", index), partial(self.step, index, name, table, scope))
            if name:
                earlier.append(name)
            if step is not None:
                yield step

    def step(self, index: int, name: str, table: dict[str, Any], scope: Scope) -> StepDefinition | None:
        where: KeyPath = ("steps", index)
        own, rest = _parted(StepSettings, table)
        self.validated(StepSettings, own, where)
        settings = valid_part(StepSettings, own, use="")
        when = self.expression(settings.when, (*where, "when"), scope)
        kind = self.component(self.registry.action, table, where)
        keys = StepSettings.model_fields
        fixed = self.validated(kind.Options, rest, where, put_off=True, beside=keys) if kind else None
        rest = self.unreported(rest, where)
        if kind:
            self.files(kind.Options, rest, where)
        late = self.late(kind.Options, rest, where, scope) if kind else {}
        eager = {key: rest[key] for key in rest if key not in late}
        marked = self.facts(kind.Options).urls if kind else None
        urls = Urls(marked, settings.url_from_event) if marked else None
        template = self.template(eager, where, scope, urls)
        if kind is None or template is None:
            return None
        if fixed is not None:
            self.secret_values.update(secret_values(fixed))
        secret = self.facts(kind.Options).secret
        ready = fixed if template.static and not late else None
        options = RenderedOptions(kind.Options, template, where, ready, late, secret_options=secret)
        return StepDefinition(index, name, kind, settings, when, options)

    def late(
        self, model: type[BaseModel], table: dict[str, Any], where: KeyPath, scope: Scope
    ) -> dict[str, tuple[ResponseTemplate, Template]]:
        """Compile the options that the action renders by itself."""
        scope = replace(scope, response=True)
        found = {}
        for name, kind in self.facts(model).late.items():
            if not isinstance(text := table.get(name), str):
                continue
            compiled = (self.expression if kind.expression else self.template)(text, (*where, name), scope)
            found[name] = (kind(text), compiled or self.engine.compile("", ""))
        return found

    def component(self, find: Callable[[str], _KindT], table: dict[str, Any], where: KeyPath) -> _KindT | None:
        """Find what `use` names. One that is no text is reported with the other keys of the host."""
        use = table.get("use")
        try:
            return find(use) if isinstance(use, str) else None
        except PluginError as error:
            self.report((*where, "use"), str(error))
            return None


def _parted(model: type[BaseModel], table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a table into the host's keys and the component's own."""
    own = {key: value for key, value in table.items() if key in model.model_fields}
    return own, {key: table[key] for key in table if key not in own}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
