"""The command `journal`: what is done to the journal's file itself, while no host works on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from jackfield.cli.local import JsonOption
from jackfield.cli.output import console, plain, print_json
from jackfield.clock import utc_now
from jackfield.journal.sqlite.recovery.salvage import Salvage
from jackfield.journal.sqlite.recovery.salvage import salvage as bring_out


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    journal = typer.Typer(help="Look after the journal's file.", rich_markup_mode=None, no_args_is_help=True)
    journal.command("salvage")(salvage)
    app.add_typer(journal, name="journal")


def salvage(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The damaged journal, such as var/journal.db.")],
    into: Annotated[Path | None, typer.Option(help="The new journal; FILE.salvaged if it is not given.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Bring out of a damaged journal what can be read, into a new one, and say what could not. FILE stays as it is."""
    target = into or file.with_name(f"{file.name}.salvaged")
    found = bring_out(file, target, utc_now())
    events = _keep_unplaced(found, target)
    if as_json:
        print_json(_report(found, target))
        return
    out = console()
    for line in _lines(found, events):
        out.print(plain(line))
    out.print(f"\nThe new journal is {plain(str(target))}. To use it, while the host is stopped:")
    for suffix in ("", "-wal", "-shm"):
        old = file.with_name(file.name + suffix)
        if old.exists():
            out.print(f"  mv {plain(str(old))} {plain(str(old.with_name(f'damaged-{old.name}')))}")
    out.print(f"  mv {plain(str(target))} {plain(str(file))}")


def _keep_unplaced(found: Salvage, target: Path) -> Path | None:
    """Write down what belongs to no run, one JSON object a line, for this user's eyes only."""
    if not found.unplaced:
        return None
    events = target.with_name(f"{target.name}.events.jsonl")
    events.touch(mode=0o600)
    events.write_bytes(b"".join(to_json(one._asdict()) + b"\n" for one in found.unplaced))
    return events


def _report(found: Salvage, target: Path) -> dict[str, object]:
    return {
        "journal": str(target),
        "whole": found.whole,
        "rows": found.rows,
        "damaged_pages": found.damaged_pages,
        "damaged_rows": found.damaged_rows,
        "damaged_log_pages": found.damaged_frames,
        "patched_rows": found.patched_rows,
        "rebuilt_runs": found.rebuilt,
        "runs_without_event": found.without_event,
        "events_without_run": len(found.unplaced),
    }


def _lines(found: Salvage, events: Path | None) -> Iterator[str]:
    yield f"Read {found.pages} pages: " + ", ".join(f"{count} of {name}" for name, count in found.rows.items() if count)
    if found.whole:
        yield "Nothing was missing."
        return
    for name, count in found.damaged_pages.items():
        yield f"Lost: all rows in {count} damaged pages of {name}"
    for name, count in found.damaged_rows.items():
        yield f"Lost: {count} damaged rows of {'an unknown table' if name == '?' else name}"
    if found.damaged_frames:
        yield f"Lost: {found.damaged_frames} damaged pages of the log; what they had before stands for them"
    if found.patched_rows:
        yield f"Kept in part: {found.patched_rows} rows, without what could not be read in them"
    if found.rebuilt:
        yield f"Put together again: {found.rebuilt} runs, from the indexes; the histories of their states are lost"
    if found.without_event:
        yield f"Lost: the events of {len(found.without_event)} runs, which are kept without them:"
        yield from (f"  {run}" for run in found.without_event)
    if events is not None:
        yield f"Not placed: {len(found.unplaced)} events of unknown pipelines; they are in {events}"
