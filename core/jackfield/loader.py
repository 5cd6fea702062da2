"""Makes pipelines out of their files, collecting every mistake on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_json

from jackfield.components import OptionsModel, WebhookSource
from jackfield.errors import ConfigurationError, PluginError, Problem, TemplateError
from jackfield.journal.records import Limits
from jackfield.masking import Mask
from jackfield.options import RenderedOptions, complaints, secret_values
from jackfield.pipeline import (
    PIPELINE_ID,
    Pipeline,
    PipelineSettings,
    ReplySettings,
    SourceDefinition,
    SourceSettings,
    StepDefinition,
    StepSettings,
    pipeline_file,
)
from jackfield.registry import Registry
from jackfield.secrets import Secrets
from jackfield.templates import Template, TemplateEngine
from jackfield.tomlfile import KeyPath, TomlFile, did_you_mean, dotted

_EXAMPLE: Final = '"{{ $.event.id }}"'
_SettingsT = TypeVar("_SettingsT", bound=BaseModel)


class PipelineLoader:
    """Makes pipelines out of files, with the plugins and secrets at hand."""

    def __init__(self, registry: Registry, secrets: Secrets) -> None:
        self.registry = registry
        self.secrets = secrets
        self.engine = TemplateEngine(secrets, registry.filters)
        self.mask = Mask(secrets.values())

    def load(self, id: str, file: TomlFile) -> Pipeline:
        """Make a pipeline; every mistake in the file is in its `problems`."""
        return _Reading(self, id, file).pipeline()

    def read(self, id: str, path: Path) -> Pipeline:
        """Make a pipeline out of its file, whatever is wrong with that."""
        try:
            return self.load(id, TomlFile.read(path, pipeline_file(id)))
        except ConfigurationError as error:
            return Pipeline(id, id, "", "", None, (), Limits(), None, None, self.mask, error.problems)


class _Reading:
    """One reading of one file: collects problems on the way instead of stopping at the first."""

    def __init__(self, loader: PipelineLoader, id: str, file: TomlFile) -> None:
        self.loader = loader
        self.id = id
        self.file = file
        self.problems: list[Problem] = []
        self.secret_values: set[str] = set()

    def pipeline(self) -> Pipeline:
        if not PIPELINE_ID.fullmatch(self.id):
            self.report((), "rename the file: a pipeline's name has lower-case Latin letters, digits, - and _ only")
        settings = self.validated(PipelineSettings, self.file.data, ())
        source = self.source(self.file.data.get("source"))
        steps = tuple(self.steps(self.file.data.get("steps")))
        order_by = self.expression(settings.order_by if settings else None, ("order_by",))
        return Pipeline(
            id=self.id,
            title=(settings.title if settings else "") or self.id,
            version=hashlib.sha256(to_json(_sorted(self.file.data))).hexdigest()[:12],
            text=self.file.text,
            source=source,
            steps=steps,
            limits=Limits(settings.concurrency, settings.rate) if settings else Limits(),
            order_by=order_by,
            pause_after=settings.pause_after if settings else None,
            mask=self.loader.mask.extended(self.secret_values) if self.secret_values else self.loader.mask,
            problems=tuple(sorted(self.problems)),
        )

    def source(self, table: object) -> SourceDefinition | None:
        if not isinstance(table, dict):
            return None
        settings, rest = self.parted(SourceSettings, table, ("source",))
        if settings is None:
            return None
        dedupe = self.expression(settings.dedupe, ("source", "dedupe"))
        reply = self.template(_reply_template(settings.reply), ("source", "reply"))
        try:
            kind = self.loader.registry.source(settings.use)
        except PluginError as error:
            self.report(("source", "use"), str(error))
            return None
        options = self.source_options(kind, rest)
        if options is None:
            return None
        self.secret_values.update(secret_values(options))
        try:
            source = kind(options)
            return SourceDefinition(source, settings, dedupe, reply, source.confidential())
        except Exception as fault:  # noqa: BLE001 - a plugin's fault blocks this pipeline and no other
            self.report(("source",), f"source {kind.name} cannot be made: {fault!r}")
            return None

    def source_options(self, kind: type[WebhookSource[Any]], table: dict[str, Any]) -> OptionsModel | None:
        """Source options know no event: their templates may use secrets only, and are rendered here and now."""
        template = self.template(table, ("source",))
        if template is None:
            return None
        try:
            rendered = template.render({})
        except TemplateError as error:
            self.report_template(error)
            return None
        return self.validated(kind.Options, rendered, ("source",))

    def steps(self, tables: object) -> Iterator[StepDefinition]:
        if not isinstance(tables, list):
            return
        names: list[str] = []
        for index, table in enumerate(tables):
            where: KeyPath = ("steps", index)
            if not isinstance(table, dict):
                continue
            settings, rest = self.parted(StepSettings, table, where)
            use = table.get("use")
            name = (settings.name if settings else "") or str(use).replace(".", "_")
            if name in names:
                self.report((*where, "name"), f'two steps are called "{name}"; give this one a name of its own')
            step = self.step(index, name, settings, rest, names) if settings else None
            names.append(name)
            if step is not None:
                yield step

    def step(
        self, index: int, name: str, settings: StepSettings, table: dict[str, Any], earlier: list[str]
    ) -> StepDefinition | None:
        where: KeyPath = ("steps", index)
        when = self.expression(settings.when, (*where, "when"), earlier)
        template = self.template(table, where, earlier)
        try:
            kind = self.loader.registry.action(settings.use)
        except PluginError as error:
            self.report((*where, "use"), str(error))
            return None
        fixed = self.validated(kind.Options, table, where, put_off=True)
        if template is None:
            return None
        if fixed is not None:
            self.secret_values.update(secret_values(fixed))
        options = RenderedOptions(kind.Options, template, where, fixed if template.static else None)
        return StepDefinition(index, name, kind, settings, when, options)

    def parted(
        self, model: type[_SettingsT], table: dict[str, Any], where: KeyPath
    ) -> tuple[_SettingsT | None, dict[str, Any]]:
        """Part a table into the host's keys, validated, and the component's own."""
        own = {key: value for key, value in table.items() if key in model.model_fields}
        return self.validated(model, own, where), {key: table[key] for key in table if key not in own}

    def validated(
        self, model: type[_SettingsT], raw: Any, where: KeyPath, *, put_off: bool = False
    ) -> _SettingsT | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for complaint in complaints(error, raw, model, put_off=put_off):
                self.report((*where, *complaint.key), complaint.message)
        except Exception as fault:  # noqa: BLE001 - a plugin's model may have validators that raise anything
            self.report(where, f"these options cannot be checked: {fault!r}")
        return None

    def expression(self, value: JsonValue, where: KeyPath, steps: list[str] | None = None) -> Template | None:
        """Compile what stands for one value, not for a text; without braces it would be the same for every event."""
        text = value.strip() if isinstance(value, str) else value
        template = self.template(text, where, steps)
        if template is not None and isinstance(text, str) and not template.single:
            self.report(where, f"must be one expression in braces, such as {_EXAMPLE}")
        return template

    def template(self, value: JsonValue, where: KeyPath, steps: list[str] | None = None) -> Template | None:
        if value is None:
            return None
        try:
            template = self.loader.engine.compile(value, dotted(where))
        except TemplateError as error:
            self.report_templates(value, where, error)
            return None
        for name in sorted(template.secrets - self.loader.secrets.keys()):
            message = f"secret {name} is not set; put it into secrets.toml or JACKFIELD_SECRET_{name}"
            self.report(where, message + did_you_mean(name, self.loader.secrets))
        for name in sorted(template.steps.difference(steps or ())):
            self.report(where, f"$.steps.{name} is not an earlier step{did_you_mean(name, steps or ())}")
        return template

    def report(self, key: KeyPath, message: str) -> None:
        self.problems.append(self.file.problem(key, message))

    def report_templates(self, value: JsonValue, where: KeyPath, error: TemplateError) -> None:
        """Report a template that cannot be compiled; in a table, each of them."""
        if not isinstance(value, dict):
            self.report_template(error)
            return
        for key, item in value.items():
            try:
                self.loader.engine.compile(item, dotted((*where, key)))
            except TemplateError as found:
                self.report_template(found)

    def report_template(self, error: TemplateError) -> None:
        self.problems.append(Problem(self.file.name, self.file.line(_key_path(error.where)), error.where, error.what))


def _reply_template(reply: ReplySettings | None) -> JsonValue:
    if reply is None:
        return None
    return reply.text if reply.json_ is None else reply.json_


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _key_path(key: str) -> KeyPath:
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", key)
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)
