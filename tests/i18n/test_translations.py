"""Every text of the pages can be read in Russian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import jackfield

CORE = Path(jackfield.__file__).parent
WEB = CORE / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
_CODE = re.compile(
    r"\{%-?\s*trans\b.*?endtrans\s*-?%\}|\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|<(script|style).*?</\1>", re.DOTALL
)
_TAG = re.compile(r"<[^>]*>")
_ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')  # left over of a macro that writes attributes
_READ_ALOUD = re.compile(r'\b(?:placeholder|title|aria-label|alt)="([^"]*)"')
_SAME_IN_EVERY_LANGUAGE = {"Jackfield", "· Jackfield", "JSON", "TOML", "cURL", "URL", "API", "HTTP"}


def used() -> set[object]:
    methods = [("**.html", "jinja2"), ("**.py", "python")]
    options = {"**.html": {"trimmed": "true", "silent": "false"}}
    keywords = {"_": None, "noop": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(CORE, methods, options, keywords=keywords)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def catalogs(language: str) -> Iterator[Catalog]:
    for path in sorted((CORE / "i18n" / "locale" / language).glob("*.po")):
        with path.open("rb") as file:
            yield read_po(file, locale=language, abort_invalid=True)


def translated(language: str) -> dict[object, list[Message]]:
    found: dict[object, list[Message]] = {}
    for catalog in catalogs(language):
        for message in catalog:
            if message.id:
                found.setdefault(message.id if isinstance(message.id, str) else message.id[0], []).append(message)
    return found


def forms_of(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else [*(message.string or ())]


def test_every_text_of_the_pages_is_translated_and_no_translation_is_left_over() -> None:
    known = translated("ru")
    assert used() - known.keys() == set()
    assert known.keys() - used() == set()


def test_every_text_is_translated_once_and_completely() -> None:
    for id, messages in translated("ru").items():
        assert len(messages) == 1, id
        message, forms = messages[0], forms_of(messages[0])
        assert all(forms), id
        assert len(forms) == (3 if message.pluralizable else 1), id
        assert not message.fuzzy, id


def test_a_translation_has_the_placeholders_of_its_text() -> None:
    for messages in translated("ru").values():
        for message in messages:
            wanted = set(re.findall(r"%\(\w+\)s", str(message.id)))
            for form in forms_of(message):
                assert set(re.findall(r"%\(\w+\)s", form)) <= wanted, message.id


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_text_that_is_not_marked_for_translation(path: Path) -> None:
    text = _CODE.sub(" ", path.read_text(encoding="utf-8"))
    words = [*_ATTRIBUTE.sub(" ", _TAG.sub("\n", text)).split("\n"), *_READ_ALOUD.findall(text)]
    bare = {word.strip() for word in words if re.search(r"[A-Za-zА-Яа-яЁё]{2}", word)}
    assert bare - _SAME_IN_EVERY_LANGUAGE == set()
