"""Secrets that stand in a pipeline's file as they are: the browser is never sent them."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError, PluginError
from jackfield.masking import CREDENTIAL_HEADERS, MASKED
from jackfield.problems import KeyPath
from jackfield.project.key_literals import shown_definition
from jackfield.project.secrets import LIKELY_SECRET
from jackfield.project.toml_edit import CannotEdit, put
from jackfield.project.toml_file import TomlFile
from jackfield.templates.engine import is_template
from jackfield.web.forms.option_shapes import Option, read_options

NAMED_SECRET: Final = re.compile(r"\{\{\s*secret\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_KEPT: Final = re.compile(r"<kept secret [0-9a-f]{16}>")


def is_kept(text: str) -> bool:
    """Tell whether a text stands for a secret of the file."""
    return _KEPT.fullmatch(text) is not None


def is_kept_in(text: str) -> list[int]:
    """Find the lines of a text in which something stands for a secret of the file."""
    return [number for number, line in enumerate(text.split("\n"), 1) if _KEPT.search(line)]


class SecretKeeper:
    """Puts something else in the place of secrets in a text, and puts them back. `key` is the host's own."""

    def __init__(self, registry: Registry, key: str) -> None:
        self._registry = registry
        self._key = key.encode()

    def hidden(self, text: str) -> str:
        """Return the text with each secret option's value taken out; a text that is not TOML is as it was.

        Of a plugin that is not installed nobody says which these are: then the names of its options tell.
        """
        for path, token in self._tokens(text):
            try:
                text = put(text, path, self._stand_in(token))
            except CannotEdit:
                text = text.replace(token, f'"{self._stand_in(token)}"')
        return text

    def for_viewers(self, text: str) -> str:
        """Return what the text says to people who may not know any key: no literal that may be one, and no comment."""
        return _KEPT.sub(MASKED, shown_definition(self.hidden(text)))

    def restored(self, text: str, file: str) -> str:
        """Put the secrets of the file back. What the file does not have any more stays out."""
        if _KEPT.search(text):
            for _, token in self._tokens(file):
                text = text.replace(f'"{self._stand_in(token)}"', token)
        return text

    def _stand_in(self, token: str) -> str:
        return f"<kept secret {hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()[:16]}>"

    def _tokens(self, text: str) -> list[tuple[KeyPath, str]]:
        """Find the secrets in a text, as they are written there, quotes included."""
        try:
            data, document = TomlFile.parse(text, "").data, tomlkit.parse(text)
        except (ConfigurationError, TOMLKitError):
            return []
        return [(path, _written(document, path)) for path, value in self._secrets(data) if not is_kept(value)]

    def _secrets(self, data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
        registry = self._registry
        yield from _of_component(registry.source, data.get("source"), ("source",))
        steps = data.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            yield from _of_component(registry.action, step, ("steps", index))


def _written(document: Any, path: KeyPath) -> str:
    for part in path:
        document = document[part]
    return str(document.as_string())


def _options(find: Any, table: Any) -> tuple[Option, ...]:
    try:
        return read_options(find(str(table.get("use"))).Options) if isinstance(table, dict) else ()
    except PluginError:
        return ()


def _of_component(find: Any, table: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Find the secrets of a component: its options say which they are. What is none of these has to be guessed.

    So do all options of a component that is not installed.
    """
    if isinstance(table, dict):
        options = _options(find, table)
        yield from _secrets(options, table, path)
        known = {option.name for option in options}
        yield from _likely({key: value for key, value in table.items() if key not in known}, path)


def _likely(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Guess by their names which texts are secrets."""
    if isinstance(value, dict):
        for key, item in value.items():
            guess = _given if LIKELY_SECRET.search(key) or key.lower() in CREDENTIAL_HEADERS else _likely
            yield from guess(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _likely(item, (*path, index))


def _secrets(options: tuple[Option, ...], table: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Find the secrets in a table; where options may have several shapes, in each of them."""
    if not isinstance(table, dict):
        return
    for option in options:
        value, here = table.get(option.name), (*path, option.name)
        for shape in option.shapes:
            if shape.kind == "secret":
                yield from _given(value, here)
            elif shape.kind == "group":
                yield from _secrets(shape.options, value, here)
            elif isinstance(value, list | dict):
                for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                    yield from _secrets(shape.options, item, (*here, key))


def _given(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Find the texts of a secret that stand there as they are."""
    return ((place, text) for place, text in _texts(value, path) if text and not is_template(text))


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*path, key))
