"""How the command line shows things: tables and runs for people, JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import to_json
from rich.console import Console
from rich.text import Text as Rich

from jackfield.components.values import Exchange, Text
from jackfield.journal.records import Attempt, Outcome, Refusal, State, StoredRequest
from jackfield.journal.views import Duplicate, RunSummary, RunView
from jackfield.runs.quarantine import is_quarantine

_STATE_STYLES: Mapping[State, str] = {
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.WAITING: "yellow",
    State.HELD: "yellow",
}
_OUTCOME_STYLES: Mapping[Outcome, str] = {
    Outcome.SUCCEEDED: "green",
    Outcome.FAILED: "red",
    Outcome.CONTINUED: "red",
    Outcome.RETRYING: "yellow",
}
_LONG_BODY = 2000


def console(*, stderr: bool = False) -> Console:
    """Return the terminal. What events and answers say is shown as text, never read as markup."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print for a program: one JSON document."""
    console().print(to_json(value, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Rich]]) -> None:
    """Print a table. Nothing is cut to the terminal's width: an id that cannot be copied is of no use."""
    cells = [[cell if isinstance(cell, Rich) else Rich(plain(cell).replace("\n", " ")) for cell in row] for row in rows]
    lines = [[Rich(column, style="bold") for column in columns], *cells]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        for cell, width in zip(line[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len)
        console().print(Rich("  ").join(line))


def words(text: Text) -> str:
    """Return words for people in the language of the terminal."""
    if isinstance(text, str):
        return text
    language = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "en")
    return text.get(language[:2]) or text.get("en") or next(iter(text.values()), "")


def local(moment: datetime | None) -> str:
    """Show a moment in local time."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def plain(text: str) -> str:
    """Show what a stranger wrote: control characters cannot move the cursor or forge a line."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def print_runs(runs: Sequence[RunSummary]) -> None:
    """List runs."""
    if not runs:
        console().print("no runs")
        return
    columns = ["RUN", "PIPELINE", "STATE", "RECEIVED", "EVENT", "ERROR OR WARNING"]
    print_table(columns, [[*_run_cells(run), run.label or "", run.error or "; ".join(run.warnings)] for run in runs])


def _run_cells(run: RunSummary) -> list[str | Rich]:
    return [run.id, run.pipeline, _state(run), local(run.received_at)]


def _state(run: RunSummary) -> Rich:
    """Write a state, and what became of a failed run since."""
    if run.state is not State.FAILED or run.stands:
        return Rich(run.state, style=_STATE_STYLES.get(run.state, ""))
    fate = "repaired" if run.repaired_by else "set aside" if run.set_aside else "replayed"
    return Rich(f"{run.state}, {fate}")


def print_refusals(refusals: Sequence[Refusal]) -> None:
    """List refused requests."""
    if not refusals:
        console().print("no refused requests")
        return
    columns = ["REQUEST", "PIPELINE", "ANSWERED", "RECEIVED", "EVENT", "REASON"]
    rows = [
        [one.id, one.pipeline, str(one.status), local(one.received_at), one.label or "", one.reason] for one in refusals
    ]
    print_table(columns, rows)


def show_run(view: RunView, blocked_reason: str | None = None) -> None:
    """Show a run step by step: what came in, what was sent, what came back; and what keeps it from running."""
    out, summary = console(), view.summary
    out.print(Rich(f"{summary.state}  ", style=_STATE_STYLES.get(summary.state, "")), Rich(f"run {summary.id}"), sep="")
    if summary.label:
        out.print(f"about {plain(summary.label)}")
    out.print(f"pipeline {summary.pipeline}, version {summary.version}, received {local(summary.received_at)}")
    for label, note in _notes(view, blocked_reason):
        out.print(f"{label}: {plain(note)}")
    _show_request(out, view.request)
    out.print("Event:")
    for name, value in view.event.data.items():
        out.print(f"  {plain(name)} = {_value(value)}")
    for attempt in view.attempts:
        _show_attempt(out, attempt, summary.version)


def _show_request(out: Console, request: StoredRequest) -> None:
    out.print(f"\nRequest: {request.method} {plain(request.query)}".rstrip())
    if request.body:
        kind = "" if request.encoding == "utf-8" else f"{request.encoding}: "
        out.print(f"    {kind}{_body(request.body)}{' … [cut]' if request.cut else ''}")


def _notes(view: RunView, blocked_reason: str | None) -> Iterable[tuple[str, str]]:
    summary = view.summary
    if blocked_reason:
        yield "does not run", blocked_reason
    if summary.replay_of:
        yield "replay of", summary.replay_of
    if summary.repaired_by:
        yield "repaired by", summary.repaired_by
    if summary.set_aside:
        yield "set aside", " ".join([local(summary.set_aside.at), summary.set_aside.by, summary.set_aside.note]).strip()
    if view.replays:
        yield "replayed as", ", ".join(view.replays)
    for duplicate in view.duplicates:
        yield from _duplicate_notes(duplicate)
    if summary.due_at and summary.state is State.WAITING:
        yield "next attempt", local(summary.due_at)
    if summary.error:
        yield "error", summary.error
    for warning in summary.warnings:
        yield "warning", warning


def _duplicate_notes(duplicate: Duplicate) -> Iterable[tuple[str, str]]:
    yield "came again", f"{local(duplicate.received_at)} {_value(duplicate.event.data)}"
    for warning in duplicate.event.warnings:
        yield "  warning", warning


def _show_attempt(out: Console, attempt: Attempt, current: str) -> None:
    outcome = Rich(attempt.outcome, style=_OUTCOME_STYLES.get(attempt.outcome, ""))
    number = f", attempt {attempt.number}" if attempt.number > 1 else ""
    version = f", on version {attempt.version}" if attempt.version not in (None, current) else ""
    if is_quarantine(attempt):
        out.print(f"\nStep {attempt.step}: not carried out, the run was quarantined")
    else:
        out.print(f"\nStep {attempt.step}{number}: ", outcome, f", took {attempt.elapsed_ms:.0f} ms{version}", sep="")
    for exchange in attempt.exchanges:
        _show_exchange(out, exchange)
    if attempt.error:
        out.print(f"  {plain(attempt.error)}")
    if attempt.traceback:
        out.print(plain(attempt.traceback))


def _show_exchange(out: Console, exchange: Exchange) -> None:
    out.print(f"  → {exchange.method} {plain(exchange.url)}")
    for name, value in exchange.request_headers:
        out.print(f"    {plain(name)}: {plain(value)}")
    if exchange.request_body:
        out.print(f"    {_body(exchange.request_body)}")
    answer = str(exchange.status) if exchange.status is not None else plain(exchange.error or "no answer")
    out.print(f"  ← {answer} in {exchange.elapsed_ms:.0f} ms")
    if exchange.response_body:
        out.print(f"    {_body(exchange.response_body)}")


def _body(text: str) -> str:
    shown = text if len(text) <= _LONG_BODY else f"{text[:_LONG_BODY]}... (all of it: --json)"
    return plain(shown).replace("\n", "\n    ")


def _value(value: JsonValue) -> str:
    return plain(to_json(value).decode())
