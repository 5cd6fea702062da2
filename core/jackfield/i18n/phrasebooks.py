"""The phrasebooks of a host: for each language, the core's phrases and those that the plugins bring along."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Final

import structlog

from jackfield.components.plugins.registry import Plugin
from jackfield.i18n.phrases import Phrase, Phrasebook, read_phrases

LOCALE: Final = "locale"
"""The folder, within a package, of `<language>.po`."""


def read_phrasebooks(plugins: Iterable[Plugin]) -> dict[str, Phrasebook]:
    """Read the phrases of every language that the core has some in.

    A plugin's are in `locale/<language>.po` of the package that its entry point names. If they cannot be used, that is
    in the log and takes nothing else away.
    """
    plugins = list(plugins)
    books = {}
    for file in (resources.files("jackfield.i18n") / LOCALE).iterdir():
        if not file.is_file():
            continue  # the words of the pages: see translations.py
        language = PurePath(file.name).stem
        brought = (phrase for plugin in plugins for phrase in _brought(plugin, language))
        books[language] = Phrasebook([*_own(language), *brought])
    return books


@cache
def _own(language: str) -> Sequence[Phrase]:
    """Read the core's phrases, which stay the same as long as the process runs."""
    return tuple(read_phrases(resources.files("jackfield.i18n") / LOCALE / f"{language}.po", language))


def _brought(plugin: Plugin, language: str) -> Iterator[Phrase]:
    name = f"{language}.po"
    try:
        folder = _package(plugin)
        if folder is not None and (file := folder / LOCALE / name).is_file():
            yield from read_phrases(file, language)
    except Exception as fault:  # noqa: BLE001 - it is a plugin's file, and babel may raise anything over it
        log = structlog.get_logger().bind(plugin=str(plugin), file=f"{LOCALE}/{name}")
        log.warning("phrases of a plugin cannot be used; its sentences stay in English", problem=str(fault))


def _package(plugin: Plugin) -> Traversable | None:
    """Find the package that has the plugin's module; None if that is in none, or is no module."""
    module = sys.modules.get(plugin.module.partition(":")[0])
    package = module.__spec__.parent if module is not None and module.__spec__ is not None else None
    return resources.files(package) if package else None
