"""Turns templates into answers, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from typing import Any, Final

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import HTMLResponse

from jackfield.components.values import Text
from jackfield.i18n.phrases import Phrasebook
from jackfield.i18n.translations import LANGUAGES, in_language, language_of, noop, read_translations

_SIZES: Final = (noop("B"), noop("KB"), noop("MB"), noop("GB"), noop("TB"))


class Renderer:
    """The templates, compiled once for each language."""

    def __init__(self, phrasebooks: Mapping[str, Phrasebook]) -> None:
        books = {language: phrasebooks.get(language, Phrasebook()) for language in LANGUAGES}
        self._translations = {language: read_translations(language) for language in LANGUAGES}
        self._environments = {
            language: _environment(language, translations, books[language])
            for language, translations in self._translations.items()
        }

    def render(self, request: Request, name: str, context: Mapping[str, Any]) -> str:
        """Render a template. Every template knows `request`, `visitor` (None if nobody is logged in) and `language`."""
        language = language_of(request)
        template = self._environments[language].get_template(name)
        known = {"request": request, "visitor": request.state.visitor, "csrf": request.state.session.csrf}
        return template.render({**known, **context, "language": language, "languages": LANGUAGES})

    def gettext(self, request: Request, message: str) -> str:
        """Translate what code says; mark such messages with `_noop` so that they are found."""
        return self._translations[language_of(request)].gettext(message)


def page(request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """Answer with a page."""
    renderer: Renderer = request.app.state.renderer
    text = renderer.render(request, template, context)
    return HTMLResponse(text.encode("utf-8", "backslashreplace"), status_code=status)  # half a character may be there


def _environment(language: str, translations: NullTranslations, said: Phrasebook) -> Environment:
    environment = Environment(
        loader=PackageLoader("jackfield.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "words": _words,
        "iso": lambda moment: moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "utc": lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "pretty_json": lambda value: to_json(value, indent=2).decode(),
        "size": lambda octets: _size(octets, language, translations),
        "ago": _ago,
        "said": said,
        "number": lambda value: format_decimal(value, locale=language),
    }
    return environment


@pass_context
def _words(context: Context, text: Text) -> str:
    return in_language(text, context["language"])


@pass_context
def _ago(context: Context, moment: datetime | timedelta) -> str:
    """Say how long ago something was, or how long something lasts."""
    since = datetime.now(UTC) - moment if isinstance(moment, datetime) else moment
    return format_timedelta(since, locale=context["language"], format="short")


def _size(octets: float, language: str, translations: NullTranslations) -> str:
    """Say how many bytes, in the largest unit that leaves one or more."""
    unit = 0
    while octets >= 1000 and unit < len(_SIZES) - 1:  # noqa: PLR2004 - SI units
        octets, unit = octets / 1000, unit + 1
    return f"{format_decimal(round(octets, 1), locale=language)} {translations.gettext(_SIZES[unit])}"
