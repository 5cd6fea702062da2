"""Reads values out of one file, and collects every mistake in it instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from jackfield.components.options import OptionsModel
from jackfield.components.project_file import ProjectFile
from jackfield.components.validation import validation_problems
from jackfield.errors import TemplateError
from jackfield.masking import secret_mask
from jackfield.pipelines.rendered_options import OptionFacts
from jackfield.problems import KeyPath, Problem, dotted
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.templates.engine import Template, TemplateEngine, is_template
from jackfield.templates.scope import Scope, leaves
from jackfield.templates.url_template import Urls

MOST_PROBLEMS: Final = 100
"""So many mistakes of a file are told."""

_EXAMPLE: Final = '"{{ $.event.id }}"'
_ModelT = TypeVar("_ModelT", bound=BaseModel)
_PartT = TypeVar("_PartT")


class FileReading:
    """One reading of one file. `facts` says what is to be known of a component's options."""

    def __init__(
        self,
        file: TomlFile,
        *,
        secrets: Secrets,
        engine: TemplateEngine,
        facts: Callable[[type[BaseModel]], OptionFacts],
        folder: Path,
    ) -> None:
        self.file = file
        self.secrets = secrets
        self.engine = engine
        self.facts = facts
        self.folder = folder
        self.problems: set[Problem] = set()
        self.secret_values: set[str] = set()

    def fixed_options(
        self,
        model: type[OptionsModel] | None,
        table: dict[str, Any],
        where: KeyPath,
        *,
        beside: Collection[str] = (),
    ) -> OptionsModel | None:
        """These options know no event: their templates may use secrets only, and are rendered here and now."""
        if model is not None:
            self.validated(model, table, where, put_off=True, beside=beside)
        rest = self.unreported(table, where)
        reported = len(self.problems)
        template = self.template(rest, where, Scope(self.secrets, event=False))
        if model is None or template is None or len(self.problems) > reported:
            return None
        try:
            rendered: Any = template.render({})
        except TemplateError as error:
            self.report(next(key for key, _ in leaves(rest, where) if dotted(key) == error.where), error.what)
            return None
        given = {**table, **rendered}
        self.files(model, given, where)
        return self.validated(model, given, where, beside=beside) if len(self.problems) == reported else None

    def files(self, model: type[BaseModel], table: dict[str, Any], where: KeyPath) -> None:
        """Report files outside of the project folder; what a template comes to is looked at when it is used."""
        marked = self.facts(model).files
        for key, value in leaves(table, where) if marked else ():
            option = marked.at(key[len(where) :]) if marked else None
            if not option or not isinstance(option.here, ProjectFile) or not isinstance(value, str):
                continue
            if not is_template(value) and (mistake := option.here.mistake(self.folder, value)):
                self.report(key, mistake)

    def validated(
        self,
        model: type[_ModelT],
        raw: dict[str, Any],
        where: KeyPath,
        *,
        put_off: bool = False,
        beside: Collection[str] = (),
    ) -> _ModelT | None:
        """Read a table as a model; None if it is invalid. `put_off` and `beside`: see `validation_problems`."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for problem in validation_problems(error, raw, model, put_off=put_off, beside=beside):
                self.report((*where, *problem.key), problem.message)
        except Exception as fault:  # noqa: BLE001 - a plugin's model may have validators that raise anything
            self.report(where, f"these options cannot be checked: {fault!r}")
        return None

    def unreported(self, table: dict[str, Any], where: KeyPath) -> dict[str, Any]:
        """Leave out the keys that something is wrong with already: what they hold would only be a second mistake."""
        reported = {problem.key for problem in self.problems}
        return {key: value for key, value in table.items() if dotted((*where, key)) not in reported}

    def expression(self, value: JsonValue, where: KeyPath, scope: Scope) -> Template | None:
        """Compile what stands for one value, not for a text; without braces it would be the same for every event."""
        text = value.strip() if isinstance(value, str) else value
        template = self.template(text, where, scope)
        if template is not None and isinstance(text, str) and not template.single:
            self.report(where, f"must be one expression in braces, such as {_EXAMPLE}")
        return template

    def template(self, value: JsonValue, where: KeyPath, scope: Scope, urls: Urls | None = None) -> Template | None:
        """Compile a value; every mistake in it is reported at its own key."""
        if value is None:
            return None
        for key, leaf in leaves(value, where):
            try:
                within = urls and urls.at(key[len(where) :])
                for mistake in scope.mistakes(self.engine.compile(leaf, dotted(key), within)):
                    self.report(key, mistake)
            except TemplateError as error:
                self.report(key, error.what)
            except Exception as fault:  # noqa: BLE001 - of a library that compiles it, such as `re.error`
                self.report(key, f"this template cannot be compiled: {fault!r}; write it in another way")
        try:
            return self.engine.compile(value, dotted(where), urls)
        except Exception:  # noqa: BLE001 - which was reported
            return None

    def report(self, key: KeyPath, message: str) -> None:
        """Remember a mistake."""
        self.problems.add(self.file.problem(key, message))

    def apart(self, where: KeyPath, read: Callable[[], _PartT]) -> _PartT | None:
        """Read a part of the file; whatever that raises is one more mistake, and keeps nothing else from being read."""
        try:
            return read()
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - plugins and libraries raise what they like, `SystemExit` too
            self.report(where, f"cannot be read, for a reason that nobody foresaw: {fault!r}; write it in another way")
            return None

    def found(self) -> tuple[Problem, ...]:
        """Return what is wrong; of thousands of mistakes, which one cause mostly has, only the first ones."""
        own = secret_mask(self.secret_values)
        problems = tuple(sorted(problem.masked(own) for problem in self.problems))
        more = len(problems) - MOST_PROBLEMS
        if more <= 0:
            return problems
        return (*problems[:MOST_PROBLEMS], self.file.problem((), f"has {more} more mistakes; mend those above first"))
