"""What templates can select, with the values of the last event: the list from which the editor inserts them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.components.values import Text
from jackfield.errors import PluginError
from jackfield.host.host import Host
from jackfield.journal.records import Outcome
from jackfield.journal.views import Query, RunView
from jackfield.web.forms.pipeline_form import PipelineForm

_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RUNS_READ: Final = 10
_MOST: Final = 100
"""How many entries of one table or list are listed."""
_DEEPEST: Final = 6
_LARGEST: Final = 100_000
"""Of an event or a result that is longer as JSON only the outermost names are listed."""
_CUT: Final = 80


@dataclass(frozen=True, slots=True)
class Pick:
    """A value that a template can select. `title` is what the source calls it, `value` the value, maybe cut."""

    key: str
    template: str
    value: str = ""
    title: Text = ""
    inside: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Picks:
    """Values of one kind: of the event (as it came in last, `at`; None: as the source describes it), or of a step."""

    kind: str
    name: str
    picks: tuple[Pick, ...]
    at: datetime | None = None


def pickable(host: Host, views: Sequence[RunView], form: PipelineForm) -> tuple[Picks, ...]:
    """List what there is to select for a pipeline's steps; `views` are its latest runs, newest first."""
    titles, examples = declared(host, form.source.use)
    event = views[0].event.data if views else examples
    at = views[0].summary.received_at if views else None
    found = [Picks("event", "event", _tree(event, "$.event", titles), at)]
    results = _results(views)
    for step in form.steps:
        path = f"$.steps{_part(step.name)}"
        picks = _tree(results[step.name], path, {}) if step.name in results else (_fixed(path),)
        found.append(Picks("step", step.name, picks))
    found.append(Picks("run", "run", tuple(map(_fixed, ("$.run.id", "$.run.received_at", "$.pipeline.title")))))
    found.append(Picks("secret", "secret", tuple(_fixed(f"secret.{name}") for name in sorted(host.project.secrets))))
    return tuple(group for group in found if group.picks)


async def latest_runs(host: Host, id: str) -> Sequence[RunView]:
    """Read the latest runs of a pipeline, newest first."""
    page = await host.journal.search(Query(pipeline=id, limit=_RUNS_READ))
    views = [await host.journal.run(summary.id) for summary in page.runs]
    return [view for view in views if view is not None]


def declared(host: Host, use: str) -> tuple[Mapping[str, Text], dict[str, JsonValue]]:
    """Return what the source says of its events: titles and examples."""
    try:
        fields = host.registry.source(use).fields
        return {field.name: field.title for field in fields}, {field.name: field.example for field in fields}
    except PluginError:
        return {}, {}


def _results(views: Sequence[RunView]) -> dict[str, JsonValue]:
    """Find the newest result of each step."""
    found: dict[str, JsonValue] = {}
    for view in views:
        for attempt in reversed(view.attempts):
            if attempt.outcome in {Outcome.SUCCEEDED, Outcome.REUSED}:
                found.setdefault(attempt.step, attempt.result)
    return found


def _tree(value: Any, path: str, titles: Mapping[str, Text]) -> tuple[Pick, ...]:
    if not isinstance(value, dict | list):
        return (_pick("", value, path, titles, _DEEPEST),)
    large = len(to_json(value)) > _LARGEST
    return tuple(_picks(value, path, titles, _DEEPEST if large else 1))


def _picks(value: Any, path: str, titles: Mapping[str, Text], depth: int) -> Iterator[Pick]:
    if isinstance(value, dict):
        for key, item in islice(value.items(), _MOST):
            yield _pick(key, item, path + _part(key), titles, depth)
    elif isinstance(value, list):
        for index, item in enumerate(value[:_MOST]):
            yield _pick(f"[{index}]", item, f"{path}[{index}]", titles, depth)


def _pick(key: str, value: Any, path: str, titles: Mapping[str, Text], depth: int) -> Pick:
    shown = value if isinstance(value, str) else to_json(value).decode()
    inside = tuple(_picks(value, path, {}, depth + 1)) if depth < _DEEPEST else ()
    cut = shown if len(shown) <= _CUT else f"{shown[:_CUT]}…"
    return Pick(key, f"{{{{ {path} }}}}", cut, titles.get(key, ""), inside)


def _fixed(path: str) -> Pick:
    return Pick(path.rpartition(".")[2], f"{{{{ {path} }}}}")


def _part(key: str) -> str:
    """Write a key of a path: bare if it is plain, else in brackets and quotes."""
    return f".{key}" if _BARE.fullmatch(key) else "['" + key.replace("\\", "\\\\").replace("'", "\\'") + "']"
