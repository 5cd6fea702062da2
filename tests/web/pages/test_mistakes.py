"""Mistakes in the visitor's language."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jackfield.web.pages.mistakes import in_words
from jackfield.web.pages.words import read_translations
from tests.support import serve, steps
from tests.web.site import visitor

RUSSIAN = read_translations("ru").gettext


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("is required", "обязательно, а его нет"),
        ('is not known here; did you mean "name"?', "здесь такого параметра нет; может быть, «name»?"),
        ('use: there is no action "vk.send"; known: set, filter', "use: нет действия «vk.send»; есть: set, filter"),
        ("pipelines/x.toml:6: steps[0].url: is required", "pipelines/x.toml:6: steps[0].url: обязательно, а его нет"),
        ("must have 1 or more entries", "нужно записей не меньше: 1"),
        ("100%(x)s is a riddle %s", "100%(x)s is a riddle %s"),
        ("must be one of '%s' or %(y)d", "должно быть одно из: '%s' or %(y)d"),
    ],
)
def test_a_mistake_is_said_in_russian_and_stays_in_english(message: str, said: str) -> None:
    assert in_words(message, RUSSIAN) == said
    assert in_words(message, str) == message


def test_what_is_wrong_with_a_file_is_said_in_the_visitors_language(tmp_path: Path) -> None:
    async def main() -> None:
        files = {"x": steps('do = 5\nnmae = "a"'), "y": steps('do = "say"', source='use = "nobody"')}
        async with serve(tmp_path, files) as served, visitor(served, language="ru") as person:
            for path in ("/pipelines/x", "/pipelines/x/edit", "/"):
                page = (await person.get(path)).text
                assert "должен быть текст в кавычках" in page
                assert "здесь такого параметра нет" in page
            assert "нет источника «nobody»" in page

    asyncio.run(main())
