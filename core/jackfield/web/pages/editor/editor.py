"""The editor: a pipeline's file as a form and as TOML, over one draft that travels with the form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.checks.project import warnings_of
from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError
from jackfield.i18n.translations import noop
from jackfield.journal.audit import AuditAction
from jackfield.pipelines.definition import PIPELINE_ID, pipeline_file
from jackfield.pipelines.editing.drafts import BadId, Conflict, Draft, DraftFolder
from jackfield.problems import Problem
from jackfield.project.toml_edit import CannotEdit
from jackfield.web.auth.language import asked_for, remember
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.forms.fields import field_name, secret_state
from jackfield.web.forms.pipeline_form import PipelineForm, make_form, with_problems
from jackfield.web.forms.secret_placeholders import is_kept_in
from jackfield.web.forms.submission import LAYOUT, NO_TOML, NOT_JSON, REPEATED, Refused, shown_again, take_over
from jackfield.web.pages.editor.draft_files import (
    changing,
    folder_of,
    keeper,
    opened_draft,
    reloaded,
    title_of,
    whole_draft,
)
from jackfield.web.pages.editor.editing import carry_out, shapes_in, shapes_wanted, with_moved_rows
from jackfield.web.pages.editor.picker import latest_runs, pickable
from jackfield.web.pages.editor.trying import Choice, ShownTrial, choices_in, events_to_try, situation_of, try_step
from jackfield.web.render.diff import Line, difference
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

REFUSALS: Final[Mapping[str, str]] = {
    NOT_JSON: noop("This is not JSON. Text needs quotes; a template may stand alone."),
    NO_TOML: noop("TOML has no null, no infinity and no half characters. Leave the entry out, or use an empty text."),
    REPEATED: noop("A name stands here twice."),
    LAYOUT: noop("This part of the file is laid out in a way that the form cannot change. Change it as TOML."),
}
_GONE_SECRET: Final = noop("The file does not have this secret any more. Enter it again.")


@dataclass(frozen=True, slots=True)
class EditorState:
    """What the editor works with in one request: the draft, and what is to be said about it."""

    draft: Draft
    tab: str = "form"
    refused: Mapping[str, Refused] | None = None
    shapes: Mapping[str, int] | None = None
    rows: str = ""
    """The field that shall get an empty row."""
    told: str = ""
    conflict: Conflict | None = None
    trial: ShownTrial | None = None
    untried: int = -1
    """The step that cannot be tried; `told` says why."""
    choices: Sequence[Choice] = ()
    """On which event each step is to be tried."""
    changed: bool = False
    """Whether there is something to lose already when the page is loaded."""


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [
        page_route("/pipelines/{id}/edit", show_editor, Role.OPERATOR),
        form_route("/pipelines/{id}/edit", edit),
        page_route("/pipelines/{id}/delete", ask_to_delete, Role.OPERATOR),
        form_route("/pipelines/{id}/delete", delete),
    ]


async def show_editor(request: Request) -> Response:
    """Begin a draft with the file."""
    draft = await opened_draft(request)
    told = "saved" if "saved" in request.query_params else ""
    return await answer(request, EditorState(draft, told=told, tab="form" if draft.data() is not None else "toml"))


async def edit(request: Request) -> Response:
    """Take over what was filled in, do what was asked, and show the draft again; or save it."""
    id = request.path_params["id"]
    if not PIPELINE_ID.fullmatch(id):
        raise HTTPException(404)
    form = request.state.form
    command, _, rest = str(form.get("do", "apply")).partition(":")
    if command == "theirs":
        return RedirectResponse(f"/pipelines/{id}/edit", status_code=303)
    registry = host_of(request).registry
    desk = await run_in_threadpool(_taken, registry, _draft_of(id, form), with_moved_rows(form, command, rest))
    if language := asked_for(request):
        return await _in_language(request, desk, language)
    if command in {"save", "overwrite"}:
        return await _saved(request, desk, form if command == "overwrite" else None)
    return await answer(request, await _done(request, desk, command, rest))


async def _in_language(request: Request, desk: EditorState, language: str) -> Response:
    """Show the draft in another language, and nothing else."""
    told = "new" if request.state.form.get("told") == "new" else ""
    whole = await whole_draft(request, desk.draft)
    changed = await run_in_threadpool(_differs, folder_of(request), whole)
    response = await answer(request, replace(desk, told=told, changed=changed))
    remember(response, language)
    return response


def _differs(folder: DraftFolder, draft: Draft) -> bool:
    try:
        file = folder.open(draft.id)
    except (ConfigurationError, OSError):
        return True
    return file is None or file.text != draft.text


async def _done(request: Request, desk: EditorState, command: str, rest: str) -> EditorState:
    """Do what a button says."""
    if command == "check":
        return replace(desk, told="checked")
    if command in {"try", "send"}:
        return await _tried(request, desk, rest, send=command == "send")
    try:
        draft = await run_in_threadpool(carry_out, desk.draft, command, rest, request.state.form)
    except CannotEdit:
        return replace(desk, told="layout")
    tab = rest if command == "tab" else desk.tab
    return replace(desk, draft=draft, tab=tab, rows=rest if command == "row" else "")


async def ask_to_delete(request: Request) -> Response:
    """Ask whether the file is really to be removed."""
    draft = await opened_draft(request)
    return page(request, "delete.html", draft=draft, title=title_of(draft), conflict=False)


async def delete(request: Request) -> Response:
    """Remove the file; what happened stays in the journal."""
    id = request.path_params["id"]
    try:
        async with changing(request, id):
            await run_in_threadpool(folder_of(request).delete, id, str(request.state.form.get("base", "")))
    except BadId:
        raise HTTPException(404) from None
    except Conflict as conflict:
        draft = conflict.theirs or Draft(id, "")
        return page(request, "delete.html", 409, draft=draft, title=title_of(draft), conflict=True)
    await reloaded(request)
    return RedirectResponse("/", status_code=303)


async def answer(request: Request, desk: EditorState) -> Response:
    """Show the draft."""
    host = host_of(request)
    draft = desk.draft
    data = draft.data()
    problems = await _problems(request, draft)
    warnings = await warnings_of(host, await whole_draft(request, draft))
    form = None
    if data is not None:
        form = with_problems(make_form(data, host.registry, desk.shapes or {}), problems)
        said = {reason: request.app.state.renderer.gettext(request, text) for reason, text in REFUSALS.items()}
        form = form.changed(lambda fields: shown_again(fields, desk.refused or {}, said))
    tab = desk.tab if form is not None and desk.tab == "form" else "toml"
    views = await latest_runs(host, draft.id) if tab == "form" else ()
    status = 409 if desk.conflict else 422 if desk.told in {"unsaved", "unwritable"} else 200
    return page(
        request,
        "editor.html",
        status,
        draft=draft,
        title=title_of(draft),
        text=json.dumps(draft.text),
        desk=desk,
        tab=tab,
        form=form,
        problems=problems,
        warnings=warnings,
        wrong=_wrong(form),
        mistakes=_mistakes(form) if form is not None and tab == "form" else len(problems),
        registry=host.registry,
        secrets=sorted(host.project.secrets),
        picks=pickable(host, views, form) if form is not None and tab == "form" else (),
        diff=_difference(request, desk),
        events=events_to_try(views),
        secret_state=secret_state,
        field_name=field_name,
    )


def _taken(registry: Registry, draft: Draft, form: FormData) -> EditorState:
    """Take over what was filled in. In the TOML tab that is the text, which is the draft already.

    It takes long for a long file, so it is called off the event loop.
    """
    shapes, wanted = shapes_in(form), shapes_wanted(form)
    data = draft.data()
    if "toml" in form or data is None:
        return EditorState(draft, "toml", shapes=wanted)
    filled = make_form(data, registry, shapes)
    taken = take_over(draft, filled, form, wanted)
    choices = choices_in(form, len(filled.steps))
    return EditorState(taken.draft, refused=taken.refused, shapes=wanted, choices=choices)


async def _saved(request: Request, desk: EditorState, over: FormData | None) -> Response:
    """Write the file, if nothing is wrong with it, and nobody else has changed it."""
    draft = desk.draft
    if desk.refused or await _problems(request, draft):
        return await answer(request, replace(desk, told="unsaved"))
    whole = replace(await whole_draft(request, draft), base=str(over.get("theirs", "")) if over else draft.base)
    try:
        async with changing(request, draft.id):
            await run_in_threadpool(folder_of(request).save, whole)
    except Conflict as conflict:
        return await answer(request, replace(desk, conflict=conflict))
    except OSError:
        return await answer(request, replace(desk, told="unwritable"))
    await reloaded(request)
    return RedirectResponse(f"/pipelines/{draft.id}/edit?saved", status_code=303)


async def _tried(request: Request, desk: EditorState, index: str, *, send: bool) -> EditorState:
    """Try a step of the draft as it is now."""
    if not index.isdecimal() or int(index) >= len(desk.choices):
        return desk
    at, host = int(index), host_of(request)
    if desk.refused:
        return replace(desk, told="untried", untried=at)
    whole = await whole_draft(request, desk.draft)
    situation = await situation_of(host, whole, desk.choices[at].run)
    if situation is None:
        return replace(desk, told="no event", untried=at)
    trial = await try_step(host, whole, at, situation, send=send)
    if trial is not None and send:
        request.state.note.action, request.state.note.detail = AuditAction.STEP_SENT, f"step {at + 1}"
    return replace(desk, trial=trial) if trial else replace(desk, told="untried", untried=at)


async def _problems(request: Request, draft: Draft) -> tuple[Problem, ...]:
    whole = await whole_draft(request, draft)
    problems = await run_in_threadpool(whole.problems, host_of(request).pipelines.loader)
    gone = request.app.state.renderer.gettext(request, _GONE_SECRET)
    file = pipeline_file(draft.id)
    return (*problems, *(Problem(file, line, "", gone) for line in is_kept_in(whole.text)))


def _draft_of(id: str, form: FormData) -> Draft:
    """Read the draft out of a form; line ends are those that browsers made of it."""
    if "toml" in form:
        text = str(form["toml"])
    else:
        try:
            text = str(json.loads(str(form.get("text", '""'))))
        except (ValueError, RecursionError):
            text = ""
    return Draft(id, text.replace("\r\n", "\n"), str(form.get("base", "")))


def _wrong(form: PipelineForm | None) -> Sequence[Any]:
    """List the fields that something is wrong with."""
    return [field for top in form.fields for field in top.each() if field.problems] if form else []


def _mistakes(form: PipelineForm) -> int:
    """Count what the page lists as wrong."""
    return sum(len(one.problems) for one in (form, *form.parts, *_wrong(form)))


def _difference(request: Request, desk: EditorState) -> Sequence[Line]:
    """Compare what the file is now with the draft."""
    if desk.conflict is None:
        return ()
    theirs = keeper(request).hidden(desk.conflict.theirs.text) if desk.conflict.theirs else ""
    return difference(theirs, desk.draft.text)
