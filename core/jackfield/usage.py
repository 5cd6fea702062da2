"""Which secrets the files of a project name."""

from __future__ import annotations

from typing import Any

from jackfield.errors import ConfigurationError
from jackfield.scope import leaves
from jackfield.templates import TemplateEngine
from jackfield.tomlfile import TomlFile


def secrets_named(text: str, engine: TemplateEngine) -> frozenset[str]:
    """Find the secrets that the templates in a TOML text name; what cannot be read names none."""
    try:
        data: Any = TomlFile.parse(text, "").data
    except ConfigurationError:
        return frozenset()
    found: set[str] = set()
    for _, leaf in leaves(data, ()):
        if not (isinstance(leaf, str) and "secret" in leaf):
            continue
        try:
            found |= engine.compile(leaf, "").secrets
        except Exception:  # noqa: BLE001, S112 - a template that stops nothing else; who loads the file says why
            continue
    return frozenset(found)
