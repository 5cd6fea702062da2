"""Words about options, for the people who set them."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def option(
    english: tuple[str, str], russian: tuple[str, str], *, examples: list[Any] | None = None, **more: Any
) -> Any:
    """Describe an option: its title and its description, in English and in Russian.

    The pages' forms, `jackfield plugins NAME` and the JSON Schema show them. It is pydantic's `Field()`, which takes
    `examples` and all `more`.
    """
    words: dict[str, Any] = {"ru": {"title": russian[0], "description": russian[1]}}
    return Field(title=english[0], description=english[1], examples=examples, json_schema_extra=words, **more)
