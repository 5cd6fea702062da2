"""`/new`: which source, which first action, and what it is called; the editor does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jackfield.access.users import Role
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Text
from jackfield.i18n.translations import in_language, language_of
from jackfield.pipelines.definition import PIPELINE_ID
from jackfield.pipelines.editing.drafts import new_draft
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.web.auth.language import asked_for, remember
from jackfield.web.auth.page_access import form_route, page_route
from jackfield.web.forms.pipeline_form import plugin_of
from jackfield.web.pages.editor.editor import EditorState, answer
from jackfield.web.render.rendering import page
from jackfield.web.state import host_of

_CYRILLIC: Final = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_IN_LATIN: Final = (
    *("a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p"),
    *("r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya"),
)
_LETTERS: Final = dict(zip(_CYRILLIC, _IN_LATIN, strict=True))
_LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Component:
    """A source or an action that can be chosen."""

    name: str
    title: Text
    description: Text
    plugin: str


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [page_route("/new", ask, Role.OPERATOR), form_route("/new", begin)]


async def ask(request: Request) -> Response:
    """Ask what the pipeline shall be."""
    return _asked(request, {})


async def begin(request: Request) -> Response:
    """Begin a draft; nothing is written until it is saved."""
    host = host_of(request)
    given = {name: str(request.state.form.get(name, "")).strip() for name in ("title", "id", "source", "action")}
    if language := asked_for(request):
        asked = _asked(request, given)
        remember(asked, language)
        return asked
    given["id"] = given["id"] or suggested_id(given["title"])
    wrong = set()
    if not PIPELINE_ID.fullmatch(given["id"]):
        wrong.add("id")
    elif (host.project.folder / PIPELINES_FOLDER / f"{given['id']}.toml").exists():
        wrong.add("taken")
    if given["source"] not in host.registry.sources:
        wrong.add("source")
    if given["action"] not in host.registry.actions:
        wrong.add("action")
    if wrong:
        return _asked(request, given, wrong)
    draft = new_draft(given["id"], given["title"], given["source"], given["action"])
    return await answer(request, EditorState(draft, told="new"))


def suggested_id(title: str) -> str:
    """Make a pipeline's id out of its title, in Latin letters; empty if there is nothing to make it of.

    `new.js` does the same while the title is filled in.
    """
    words = "".join(_LETTERS.get(letter, letter) for letter in title.lower())
    parts = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in words).split()
    return "-".join(parts)[:_LONGEST_ID].strip("-")


def _asked(request: Request, given: Mapping[str, str], wrong: Iterable[str] = ()) -> Response:
    registry = host_of(request).registry
    language = language_of(request)
    return page(
        request,
        "new_pipeline.html",
        422 if wrong else 200,
        given={"title": "", "id": "", "source": "", "action": "", **given},
        wrong=frozenset(wrong),
        letters=_LETTERS,
        sources=_components(registry, registry.sources, language),
        actions=_components(registry, registry.actions, language),
    )


def _components(registry: Registry, kinds: Mapping[str, Any], language: str) -> list[Component]:
    found = [Component(name, kind.title, kind.description, plugin_of(registry, kind)) for name, kind in kinds.items()]
    return sorted(found, key=lambda one: in_language(one.title, language).casefold())
