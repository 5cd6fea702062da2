"""Commands about the journal: runs, refused, replay, cancel, set-aside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import from_json

from jackfield.cli.client import Client, UrlOption, open_desk
from jackfield.cli.commands.pipelines import blocked_reason
from jackfield.cli.local import HERE, JsonOption, ProjectOption, moment
from jackfield.cli.output import console, print_json, print_refusals, print_runs, show_run
from jackfield.components.values import JsonObject
from jackfield.errors import JackfieldError, JournalUnavailable, NotFound
from jackfield.journal.records import Refusal, State
from jackfield.journal.views import Page, Query, RunView
from jackfield.runs.replay import On, step_to_resume

_Ids = Annotated[list[str], typer.Argument(metavar="ID...")]
_Pipeline = Annotated[str | None, typer.Option(help="Only of this pipeline.")]
_Moment = Annotated[str | None, typer.Option(help='A time such as "2026-11-24 10:00", or how long ago: "2 h".')]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands."""
    runs = typer.Typer(help="List runs, newest first, or show one.", rich_markup_mode=None)
    runs.callback(invoke_without_command=True)(list_runs)
    runs.command("show")(show)
    app.add_typer(runs, name="runs")
    for command in (refused, replay, cancel, set_aside):
        app.command()(command)


def list_runs(
    context: typer.Context,
    *,
    pipeline: _Pipeline = None,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    search: Annotated[str | None, typer.Option(help="Only with all these words in the event.")] = None,
    since: _Moment = None,
    until: _Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    repaired: Annotated[
        bool, typer.Option("--repaired", help="With --state failed: also those that were repaired or set aside.")
    ] = False,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    if context.invoked_subcommand is not None:
        context.default_map = {context.invoked_subcommand: {"project": project, "url": url, "as_json": as_json}}
        return
    states = frozenset({state}) if state else frozenset[State]()
    query = Query(pipeline, states, moment(since), moment(until), search, limit=limit, repaired=repaired or not states)
    page = asyncio.run(_search(project, url, query))
    if as_json:
        print_json(page)
        return
    print_runs(page.runs)
    if page.cursor:
        console().print(f"there are more; --limit shows more than {limit}")
    if page.unindexed:
        console().print(f"the {page.unindexed} newest runs are not indexed yet and were not searched")


async def _search(folder: Path, url: str | None, query: Query) -> Page:
    async with open_desk(folder, url) as desk:
        return await desk.search(query)


def show(
    id: Annotated[str, typer.Argument(metavar="ID")],
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a run: what came in, what was sent, what came back."""
    view, why_not = asyncio.run(_run(project, url, id))
    if as_json:
        print_json(view)
    else:
        show_run(view, why_not)


async def _run(folder: Path, url: str | None, id: str) -> tuple[RunView, str | None]:
    """Return a run and what keeps it from starting, if anything does."""
    async with open_desk(folder, url) as desk:
        view = await desk.run(id)
        if view is None:
            raise NotFound(f"there is no run {id}; `jackfield runs` lists them")
        if view.summary.state not in {State.HELD, State.QUEUED}:
            return view, None
        pipeline = view.summary.pipeline
        return view, blocked_reason(pipeline, await desk.pipeline(pipeline))


def refused(
    pipeline: _Pipeline = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List requests that were turned away, with the reason. `jackfield replay ID` accepts one after all."""
    refusals = asyncio.run(_refusals(project, url, pipeline, limit))
    if as_json:
        print_json(refusals)
    else:
        print_refusals(refusals)


async def _refusals(folder: Path, url: str | None, pipeline: str | None, limit: int) -> Sequence[Refusal]:
    async with open_desk(folder, url) as desk:
        return await desk.refusals(pipeline, limit)


def replay(
    ids: _Ids,
    from_step: Annotated[str | None, typer.Option(help="Keep the results of the steps before this one.")] = None,
    on: Annotated[str, typer.Option(metavar="original|current", help="The version of the pipeline.")] = "current",
    event: Annotated[str | None, typer.Option(help="The event's values instead, as a JSON object.")] = None,
    *,
    from_failed: Annotated[
        bool, typer.Option("--from-failed", help="From the step that failed, where one before it has succeeded.")
    ] = False,
    project: ProjectOption = HERE,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run runs again, or accept refused requests after all. Each becomes a new run."""
    version, edited = _version(on), _event(event)
    if from_failed and from_step is not None:
        raise typer.BadParameter("give either --from-step or --from-failed")
    done: list[_Replayed] = []

    async def work() -> None:
        async with open_desk(project, url) as desk:
            for id in ids:
                step = await _failed_step(desk, id) if from_failed else from_step
                done.append(await _replayed(id, desk.replay(id, from_step=step, on=version, event=edited)))
                if not as_json:
                    done[-1].say()

    asyncio.run(work())
    if as_json:
        print_json(done)
    if any(one.error for one in done):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What a run or refused request was replayed as, or why it could not be."""

    id: str
    runs: Sequence[str]
    error: str | None = None

    def say(self) -> None:
        if self.error:
            console(stderr=True).print(self.error)
        else:
            console().print(f"{self.id} replayed as {', '.join(self.runs)}")


async def _failed_step(desk: Client, id: str) -> str | None:
    view = await desk.run(id)
    return step_to_resume(view) if view else None


async def _replayed(id: str, replaying: Awaitable[Sequence[str]]) -> _Replayed:
    try:
        return _Replayed(id, await replaying)
    except JournalUnavailable:
        raise
    except JackfieldError as error:
        return _Replayed(id, [], str(error))


def cancel(ids: _Ids, project: ProjectOption = HERE, url: UrlOption = None) -> None:
    """End runs that are not settled. A step that is being carried out comes to its end first."""
    cancelled = asyncio.run(_cancel(project, url, ids))
    for id, ended in cancelled:
        if ended:
            console().print(f"{id} cancelled")
        else:
            console(stderr=True).print(f"{id} is settled or unknown, nothing to cancel")
    if not all(ended for _, ended in cancelled):
        raise typer.Exit(1)


async def _cancel(folder: Path, url: str | None, ids: list[str]) -> list[tuple[str, bool]]:
    async with open_desk(folder, url) as desk:
        return [(id, await desk.cancel(id)) for id in ids]


def set_aside(
    ids: _Ids,
    note: Annotated[str, typer.Option(help="Why nothing is to be done about them.")] = "",
    project: ProjectOption = HERE,
    url: UrlOption = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Let runs that were set aside count again.")] = False,
) -> None:
    """Set failed runs aside: nothing is to be done about them, and they are counted and told of no more."""
    failed = False
    for id, error in asyncio.run(_set_aside(project, url, ids, None if undo else note)):
        failed = failed or error is not None
        console(stderr=error is not None).print(error or f"{id} {'counts again' if undo else 'set aside'}")
    if failed:
        raise typer.Exit(1)


async def _set_aside(
    folder: Path, url: str | None, ids: Sequence[str], note: str | None
) -> Sequence[tuple[str, str | None]]:
    async with open_desk(folder, url) as desk:
        return [(id, await _error_of(desk.set_aside(id, note))) for id in ids]


async def _error_of(deed: Awaitable[None]) -> str | None:
    try:
        await deed
    except JournalUnavailable:
        raise
    except JackfieldError as error:
        return str(error)
    return None


def _version(on: str) -> On:
    match on:
        case "original" | "current":
            return on
    raise typer.BadParameter(f"--on {on}: write original or current")


def _event(text: str | None) -> JsonObject | None:
    try:
        event = from_json(text) if text is not None else None
    except ValueError as error:
        raise typer.BadParameter(f"--event is not JSON: {error}") from None
    if event is not None and not isinstance(event, dict):
        raise typer.BadParameter("--event is not an object")
    return event
