"""Moves a key that stands in a pipeline's file to `secrets.toml`, and leaves `{{ secret.NAME }}` in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jackfield.errors import JackfieldError, NotFound
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.drafts import Draft, DraftFolder
from jackfield.problems import did_you_mean, dotted
from jackfield.project.key_literals import KeyLiteral, key_literals, secret_name
from jackfield.project.secrets import SECRET_NAME, SECRETS_FILE
from jackfield.project.secrets_file import put_secret, secret_in_file
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.project.toml_file import TomlFile
from jackfield.templates.engine import is_template
from jackfield.templates.scope import leaves


class CannotMove(JackfieldError):  # noqa: N818 - what the caller is told
    """The key cannot be moved so; nothing was changed."""


@dataclass(frozen=True, slots=True)
class SecretMove:
    """What is to be done: the secret `name` gets the `value` that stands at `key` of a pipeline's file."""

    key: str
    name: str
    value: str = field(repr=False)
    before: Draft = field(repr=False)
    after: Draft = field(repr=False)


def plan_move(folder: Path, pipeline: str, key: str, name: str | None = None) -> SecretMove:
    """Say what moving a key would change; without a name one is suggested.

    Raises `NotFound` if there is no such file or key, `CannotMove`, `CannotEdit`, `BadId`, `ConfigurationError`,
    OSError.
    """
    draft = DraftFolder(folder / PIPELINES_FOLDER).open(pipeline)
    if draft is None:
        raise NotFound(f"there is no pipeline {pipeline}")
    data = TomlFile.parse(draft.text, pipeline_file(pipeline)).data
    literal = _literal(pipeline, data, key)
    chosen = name or secret_name(pipeline, data, literal.key)
    if not SECRET_NAME.fullmatch(chosen):
        raise CannotMove("a secret's name has only Latin letters, digits and underscores, and no digit in front")
    if secret_in_file(folder, chosen) not in {None, literal.text}:
        raise CannotMove(f"{SECRETS_FILE} has another value under the name {chosen} already; choose another name")
    after = draft.put(literal.key, literal.replaced(chosen))
    return SecretMove(key, chosen, literal.text, draft, after)


def carry_out(folder: Path, move: SecretMove) -> None:
    """Move the key: the secret is written first, so that the pipeline never names one that is not there.

    Raises `Conflict` if the pipeline's file has changed meanwhile, `ConfigurationError`, OSError.
    """
    put_secret(folder, move.name, move.value)
    DraftFolder(folder / PIPELINES_FOLDER).save(move.after)


def _literal(pipeline: str, data: Mapping[str, Any], key: str) -> KeyLiteral:
    """Find what is to be moved: the part of the value that looks like a key, else all of it."""
    texts = {dotted(path): (path, leaf) for path, leaf in leaves(dict(data), ()) if isinstance(leaf, str)}
    if key not in texts:
        likely = [dotted(one.key) for one in key_literals(data)]
        raise NotFound(f"{pipeline_file(pipeline)} has no text at {key}{did_you_mean(key, likely or texts)}")
    path, value = texts[key]
    found = [one for one in key_literals(data) if one.key == path]
    if found:
        return found[0]
    if is_template(value) or not value.strip():
        raise CannotMove(f"{key}: there is no literal in it that looks like a key; change it by hand")
    return KeyLiteral(path, value, 0, len(value))
