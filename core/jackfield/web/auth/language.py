"""Choosing the language of the pages: anywhere, and in a form that would lose what is filled in."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jackfield.i18n.translations import LANGUAGE_COOKIE, LANGUAGES
from jackfield.web.auth.page_access import form_route, local_path

_A_YEAR: Final = 365 * 24 * 3600


def routes() -> list[Route]:
    """Return the routes of this module."""
    return [form_route("/language", choose_language, None)]


async def choose_language(request: Request) -> Response:
    """Remember the language, and show the page again."""
    form = request.state.form
    response = RedirectResponse(local_path(str(form.get("next", "/"))), status_code=303)
    if (language := str(form.get("language"))) in LANGUAGES:
        remember(response, language)
    return response


def asked_for(request: Request) -> str:
    """Return the language that a button of this form asks for, and answer in it; empty if none does.

    The template `language.html` makes such buttons. Whoever answers has to `remember()` it.
    """
    language = str(request.state.form.get("language", ""))
    if language not in LANGUAGES:
        return ""
    request.state.language = language
    return language


def remember(response: Response, language: str) -> None:
    """Let the browser ask for this language from now on."""
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, samesite="lax")
