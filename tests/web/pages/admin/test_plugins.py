"""The page of the plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from pydantic_core import PydanticOmit

from jackfield import Action, OptionsModel, hookimpl
from jackfield.access.users import Role
from jackfield.components.plugins.registry import Registry
from jackfield.web.server.serving import serving
from tests.support import Act, Plugin, make_project
from tests.web.site import visitor

TRACEBACK = "Traceback (most recent call last)"
XSS = "<script>alert('x')</script>"


class NoiseOptions(OptionsModel):
    loud: int = Field(
        default=11,
        title=XSS,
        description=f"How loud {XSS}",
        json_schema_extra={"ru": {"title": "Громкость", "description": "Насколько громко"}},
    )
    what: str = Field(title="What", description="What")


class Noise(Act):
    name = "noise"
    title: ClassVar[Any] = {"en": f"Noise {XSS}", "ru": "Шум"}
    description = f"Makes noise {XSS}"
    Options = NoiseOptions  # type: ignore[assignment]


class Broken:
    @hookimpl
    def register_actions(self) -> Iterable[type[Action[Any]]]:
        raise LookupError(XSS)


def seen(folder: Path, role: Role, language: str, *plugins: object) -> str:
    async def main() -> str:
        plugin = Plugin()
        plugin.more = [Noise]
        registry = Registry.of(*(plugins or (plugin, Broken())))
        project = make_project(folder, {})
        async with serving(project, {}, registry=registry) as served, visitor(served, role, language) as person:
            answer = await person.get("/plugins")
            assert answer.status_code == 200
            assert XSS not in answer.text
            return answer.text

    return asyncio.run(main())


def test_what_plugins_offer_is_shown_with_their_options(tmp_path: Path) -> None:
    page = seen(tmp_path, Role.VIEWER, "en")
    assert TRACEBACK not in page
    for text in ("Noise", "noise", "Makes noise", "loud", "integer", "11", "How loud", "required", "source", "call"):
        assert text in page


def test_it_speaks_the_visitors_language(tmp_path: Path) -> None:
    page = seen(tmp_path, Role.VIEWER, "ru")
    for text in ("Шум", "Насколько громко", "целое число", "обязателен", "источник", "действие"):
        assert text in page


def test_what_is_broken_comes_first_with_its_reason_and_for_operators_the_traceback(tmp_path: Path) -> None:
    page = seen(tmp_path, Role.OPERATOR, "en")
    assert page.index("register_actions() failed: LookupError") < page.index("Noise")
    assert TRACEBACK in page


def test_options_that_cannot_be_described_break_nothing(tmp_path: Path) -> None:
    class OddOptions(OptionsModel):
        odd: int = Field(default=1, description="Odd")

        @classmethod
        def model_json_schema(cls, *arguments: Any, **how: Any) -> dict[str, Any]:
            if how:
                raise PydanticOmit
            return {}

    class Odd(Act):
        name = "odd"
        Options = OddOptions  # type: ignore[assignment]

    plugin = Plugin()
    plugin.more = [Odd]
    assert "Its options cannot be described" in seen(tmp_path, Role.VIEWER, "en", plugin)
