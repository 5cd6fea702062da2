"""The pages' words: English in the code and the templates, other languages in `locale/<language>/*.po`."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

from jackfield.components.values import Text

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ru": "Русский"}
"""The languages of the pages, each in its own name; the first one is the default."""
LANGUAGE_COOKIE: Final = "jackfield_language"


@cache
def read_translations(language: str) -> gettext.NullTranslations:
    """Read a language's words, once; English has none, it is in the code."""
    if language == "en":
        return gettext.NullTranslations()
    catalog = Catalog(language)
    for path in (resources.files("jackfield.i18n") / "locale" / language).iterdir():
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                catalog[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language_of(request: Request) -> str:
    """Tell which language a request is to be answered in: the one that was chosen, else the browser's first choice."""
    chosen = getattr(request.state, "language", None) or request.cookies.get(LANGUAGE_COOKIE)
    wanted = [chosen] if chosen else _accepted(request.headers.get("accept-language", ""))
    return next((language for language in wanted if language in LANGUAGES), next(iter(LANGUAGES)))


def noop(message: str) -> str:
    """Mark a text in the code, so that it is found and translated; a template says it later by `_()`."""
    return message


def in_language(text: Text, language: str) -> str:
    """Take a component's words in this language, in English where it has none."""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def _accepted(header: str) -> Sequence[str]:
    """Read Accept-Language (RFC 9110, section 12.5.4), best first."""
    weighed = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda one: one[0])]
