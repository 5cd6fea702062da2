"""Finds what is most likely a slip in a pipeline that can run: a misspelt field, a refused address, a mistyped method.

What comes with an event is only known in part: by what the source declares, and by the runs in the journal. So a name
is called a slip only if it was never seen, and one that was seen is nearly the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue

from jackfield.errors import JackfieldError, TemplateError
from jackfield.http.address_guard import AddressGuard, AddressRefused
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Outcome
from jackfield.journal.views import Query
from jackfield.pipelines.definition import Pipeline, step_name
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import KeyPath, Problem
from jackfield.project.toml_file import TomlFile
from jackfield.templates.marked_options import Marked
from jackfield.templates.paths.path import Path
from jackfield.templates.scope import leaves

_RUNS_READ: Final = 5
_NEARLY_THE_SAME: Final = 0.75
_METHODS: Final = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE",
    "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "UNLOCK",
)  # fmt: skip
_ORIGIN: Final = re.compile(
    r"https?://(?:[^/?#@{]*@)?(?P<host>\[[^\]{]*\]|[^/?#:@{]+)(?::[0-9]+)?(?=[/?#]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last runs of a pipeline had: their events, and the results of steps by name."""

    events: Sequence[JsonValue] = ()
    results: Mapping[str, Sequence[JsonValue]] = field(default_factory=dict)


async def seen_in(journal: Journal, pipeline: str) -> Seen:
    """Look at the last runs of a pipeline. Raises `JournalError`."""
    page = await journal.search(Query(pipeline=pipeline, limit=_RUNS_READ))
    views = [view for summary in page.runs if (view := await journal.run(summary.id)) is not None]
    results: dict[str, list[JsonValue]] = {}
    for attempt in (attempt for view in views for attempt in view.attempts):
        if attempt.outcome in {Outcome.SUCCEEDED, Outcome.REUSED}:
            results.setdefault(attempt.step, []).append(attempt.result)
    return Seen([view.event.data for view in views], results)


def lint(pipeline: Pipeline, file: TomlFile, loader: PipelineLoader, guard: AddressGuard, seen: Seen) -> list[Problem]:
    """Name the slips in a pipeline's file, each at its key."""
    known = Seen([*_declared(pipeline), *seen.events], seen.results)
    tables = file.data.get("steps")
    steps = [step for step in tables if isinstance(step, dict)] if isinstance(tables, list) else []
    found = [*_misspelt(file, loader, known, {step_name(step) for step in steps})]
    for index, step in enumerate(steps):
        found += _refused(file, ("steps", index), step, _urls(loader, step), guard)
        found += _mistyped(file, ("steps", index), step)
    return sorted(set(found))


def _declared(pipeline: Pipeline) -> Iterator[JsonValue]:
    """Say what the source declares: its fields, and the parameters that its address asks for."""
    if pipeline.source is None:
        return
    source = pipeline.source.source
    names = {one.name for one in source.fields}
    if not names:
        return
    try:
        asked = urlsplit(source.address("https://example.com/")).query
        names |= {name for name, _ in parse_qsl(asked, keep_blank_values=True)}
    except Exception:  # noqa: BLE001 - of a plugin; what its address asks for is then not known
        return
    yield dict.fromkeys(names)


def _misspelt(file: TomlFile, loader: PipelineLoader, known: Seen, steps: Collection[str]) -> Iterator[Problem]:
    for key, leaf in leaves(file.data, ()):
        if not isinstance(leaf, str) or "$." not in leaf:
            continue
        try:
            paths = loader.engine.compile(leaf, "").paths
        except TemplateError:  # a mistake, which is told already
            continue
        for path in paths:
            if (nearest := _nearest(path, known, steps)) is not None:
                yield file.problem(key, f"{path.text} was never seen; did you mean {nearest}?")


def _nearest(path: Path, known: Seen, steps: Collection[str]) -> str | None:
    """Return what a path most likely means that leads to nothing known; None if it does, or who knows."""
    match path.keys:
        case ("event", *rest):
            values, place = known.events, "$.event"
        case ("steps", str(name), *rest) if name in steps:
            values, place = known.results.get(name, ()), f"$.steps.{name}"
        case _:
            return None
    for key in rest:
        names = {name for value in values if isinstance(value, dict) for name in value}
        if isinstance(key, str) and names and key not in names:
            near = get_close_matches(key, names, n=3, cutoff=_NEARLY_THE_SAME)
            close = [name for name in near if _is_slip(key, name)]
            return f"{place}.{close[0]}" if close else None
        values = [inner for value in values for inner in _inside(value, key)]
        place += f".{key}" if isinstance(key, str) else f"[{key}]"
    return None


def _is_slip(word: str, name: str) -> bool:
    """Tell whether a word is another one misspelt, rather than one of a family: phone2 and phone, name_ru and name."""
    shorter, longer = sorted((word, name), key=len)
    return not longer.startswith(shorter) and re.sub(r"\d", "", word) != re.sub(r"\d", "", name)


def _inside(value: JsonValue, key: str | int) -> Iterable[JsonValue]:
    if isinstance(value, dict) and key in value:
        return [value[str(key)]]
    return value if isinstance(value, list) and isinstance(key, int) else ()


def _urls(loader: PipelineLoader, step: Mapping[str, Any]) -> Marked | None:
    try:
        return loader.facts(loader.registry.action(str(step.get("use"))).Options).urls
    except JackfieldError:
        return None


def _refused(
    file: TomlFile, where: KeyPath, step: JsonValue, marked: Marked | None, guard: AddressGuard
) -> Iterator[Problem]:
    """Find the literal addresses that the guard refuses; what a name resolves to is known when it is called."""
    for key, leaf in leaves(step, where):
        here = marked
        for part in key[len(where) :]:
            here = here.child(part) if here else None
        origin = _ORIGIN.match(leaf) if isinstance(leaf, str) and here and here.here else None
        if origin is None:
            continue
        host = origin["host"].strip("[]").lower()
        try:
            guard.check_host(host)
        except AddressRefused as refused:
            what = f"a request to {host} is refused, for it is {refused.kind}"
            yield file.problem(key, f"{what}; to allow it, put it into [http] allow in jackfield.toml")


def _mistyped(file: TomlFile, where: KeyPath, step: Mapping[str, Any]) -> Iterator[Problem]:
    method = step.get("method")
    if not isinstance(method, str) or "url" not in step or "{" in method or method.upper() in _METHODS:
        return
    if close := get_close_matches(method.upper(), _METHODS, n=1):
        yield file.problem((*where, "method"), f'"{method}" is no method that is known; did you mean {close[0]}?')
