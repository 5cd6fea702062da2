"""Drafts of a pipeline's file: what is not saved yet, and how it becomes the file.

A draft is nothing but its text and the hash of the file that it began with, so it can be kept by whoever edits it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue

from jackfield.errors import ConfigurationError, JackfieldError
from jackfield.pipelines.definition import PIPELINE_ID, pipeline_file, step_name
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import KeyPath, Problem
from jackfield.project.file_reader import read_file
from jackfield.project.files import locked, replace_file
from jackfield.project.toml_blocks import TomlBlocks
from jackfield.project.toml_edit import CannotEdit, drop, put, rename, value_at
from jackfield.project.toml_file import MEGABYTES, TomlFile
from jackfield.project.toml_text import toml_entry

_STEPS: Final = "steps"
_NEW_FILE_MODE: Final = 0o600
_BOM: Final = b"\xef\xbb\xbf"
_LARGEST: Final = 200_000
_MOST_STEPS: Final = 100
"""With more characters or steps a draft can be changed as a text only: everything else would take minutes."""
_NO_STEP_NAME: Final = re.compile(r"[^A-Za-z0-9_]")


class BadId(JackfieldError):  # noqa: N818 - the caller's word
    """No pipeline can be called so."""


class Conflict(JackfieldError):  # noqa: N818 - that is what it is
    """The file is not what the draft began with; `theirs` is what it is now, None if it is gone."""

    def __init__(self, theirs: Draft | None) -> None:
        super().__init__("the file was changed by somebody else meanwhile")
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a pipeline's file as it shall be; lines end in a bare line feed.

    `base` is the hash of the file that it began with, empty if there was none.
    """

    id: str
    text: str
    base: str = ""

    def data(self) -> dict[str, Any] | None:
        """Return what the text says; None if it is not TOML, or too large for anything but an editor."""
        if len(self.text) > _LARGEST or self.text.count(f"[[{_STEPS}]]") > _MOST_STEPS:
            return None
        try:
            return TomlFile.parse(self.text, pipeline_file(self.id)).data
        except ConfigurationError:
            return None

    def value(self, path: KeyPath) -> Any:
        """Return what stands at a path, None if nothing does."""
        return value_at(self.data(), path)

    def steps(self) -> Sequence[dict[str, Any]]:
        """Return the steps; none if what is called so is no list of tables."""
        found = (self.data() or {}).get(_STEPS)
        tables = isinstance(found, list) and all(isinstance(step, dict) for step in found)
        return found if tables and isinstance(found, list) else ()

    def problems(self, loader: PipelineLoader) -> tuple[Problem, ...]:
        """Say what is wrong with it, as the host would."""
        try:
            file = TomlFile.parse(self.text, pipeline_file(self.id))
        except ConfigurationError as error:
            return error.problems
        return loader.load(self.id, file).problems

    def put(self, path: KeyPath, value: JsonValue, order: Sequence[str] = ()) -> Draft:
        """Give a key a value. Raises `CannotEdit`, and ValueError for what TOML cannot say."""
        return replace(self, text=put(self.text, path, value, order))

    def drop(self, path: KeyPath) -> Draft:
        """Take a key away, and the tables that it leaves empty; not a step, nor the source, nor a table in a list.

        Raises `CannotEdit`.
        """
        text = drop(self.text, path)
        outermost = 2 if path[:1] == (_STEPS,) else 1
        while (
            len(path := path[:-1]) > outermost and isinstance(path[-1], str) and not value_at(tomllib.loads(text), path)
        ):
            text = drop(text, path)
        return replace(self, text=text)

    def rename(self, path: KeyPath, name: str) -> Draft:
        """Call a key something else. Raises `CannotEdit`."""
        return replace(self, text=rename(self.text, path, name))

    def with_step(self, use: str) -> Draft:
        """Put a step with this action at the end."""
        name = self._free_name(use)
        lines = f"[[{_STEPS}]]\n" + toml_entry("use", use) + toml_entry("name", name)
        return replace(self, text=self._blocks().with_block(None, lines).text)

    def moved(self, index: int, by: int) -> Draft:
        """Let a step change places with another one."""
        steps = list(self.steps())
        if 0 <= index < len(steps) and 0 <= index + by < len(steps):
            steps[index], steps[index + by] = steps[index + by], steps[index]
        return self._rearranged(lambda: self._blocks().moved(index, by), steps)

    def without_step(self, index: int) -> Draft:
        """Take a step out."""
        steps = list(self.steps())
        return self._rearranged(lambda: self._blocks().without(index), [*steps[:index], *steps[index + 1 :]])

    def with_copy(self, index: int) -> Draft:
        """Put a copy of a step behind it, under a name of its own."""
        step = self._step(index)
        name = self._free_name(str(step.get("name") or step.get("use", "")))
        order = ("use", "name")
        steps = list(self.steps())
        steps.insert(index + 1, {**step, "name": name})
        rename = partial(put, path=(_STEPS, 0, "name"), value=name, order=order)
        return self._rearranged(lambda: self._blocks().copied(index, rename), steps)

    def _rearranged(self, rearrange: Callable[[], TomlBlocks], steps: list[dict[str, Any]]) -> Draft:
        """Do something to the steps' blocks; what the text says then must be these steps. Raises `CannotEdit`."""
        try:
            draft = replace(self, text=rearrange().text)
        except (IndexError, ValueError):  # its tables are not where they look to be
            draft = self
        if (draft.data() or {}).get(_STEPS, []) != steps:
            raise CannotEdit("the steps are laid out in a way that they cannot be told apart; edit them as TOML")
        return draft

    def _blocks(self) -> TomlBlocks:
        return TomlBlocks.of(self.text, _STEPS)

    def _step(self, index: int) -> dict[str, Any]:
        steps = self.steps()
        if not 0 <= index < len(steps):
            raise CannotEdit(f"there is no step {index + 1}")
        return steps[index]

    def _free_name(self, wish: str) -> str:
        """Make a step's name out of an action's or another step's, one that no step has."""
        base = _NO_STEP_NAME.sub("_", wish.rpartition(".")[2]) or "step"
        taken = {step_name(step) for step in self.steps()}
        root = re.sub(r"_\d+$", "", base)
        names = (base, *(f"{root}_{number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)


class DraftFolder:
    """The folder of the pipelines' files, as drafts come out of it and go back into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, id: str) -> Draft | None:
        """Begin a draft with the file; None if there is none. Raises `BadId`, OSError, `ConfigurationError`."""
        try:
            content = read_file(self._path(id), MEGABYTES)
            text = content.decode("utf-8-sig")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise ConfigurationError(
                [Problem(pipeline_file(id), 0, "", "is not UTF-8 text; save it as UTF-8")]
            ) from None
        return Draft(id, text.replace("\r\n", "\n"), _hash(content))

    def save(self, draft: Draft, *, overwrite: bool = False) -> Draft:
        """Make a draft the file, at once or not at all, with the mode and the line ends that the file had.

        Raises `Conflict` if the file is not what the draft began with, unless it is to be overwritten, `BadId`, and
        OSError.
        """
        with locked(self._folder):
            return self._save(draft, overwrite=overwrite)

    def _save(self, draft: Draft, *, overwrite: bool) -> Draft:
        path = self._path(draft.id)
        current = read_file(path, MEGABYTES) if path.exists() else b""
        there = _hash(current) if path.exists() else ""
        if there != draft.base and not overwrite:
            raise Conflict(self.open(draft.id))
        text = draft.text.replace("\r\n", "\n")
        content = (_BOM if current.startswith(_BOM) else b"") + _with_ends(text, current).encode()
        if content != current:
            _write(path, content)
        return replace(draft, text=text, base=_hash(content))

    def delete(self, id: str, base: str) -> None:
        """Remove the file. Raises `Conflict` if it is not what the caller saw, `BadId`, and OSError."""
        with locked(self._folder):
            there = self.open(id)
            if there is not None and there.base != base:
                raise Conflict(there)
            self._path(id).unlink(missing_ok=True)

    def _path(self, id: str) -> Path:
        """Say where a pipeline's file is: in this folder, whatever the id is, and no link to anywhere else."""
        if not PIPELINE_ID.fullmatch(id):
            raise BadId("a pipeline's id has lower-case Latin letters, digits, - and _ only, 64 at most")
        path = self._folder / f"{id}.toml"
        if path.is_symlink():
            raise BadId(f"{path.name} is a link to another file; edit that where it is")
        return path


def new_draft(id: str, title: str, source: str, action: str) -> Draft:
    """Begin a pipeline that there is no file of yet."""
    text = (toml_entry("title", title) + "\n" if title else "") + "[source]\n" + toml_entry("use", source)
    return Draft(id, text).with_step(action)


def _with_ends(text: str, current: bytes) -> str:
    return text.replace("\n", "\r\n") if current.partition(b"\n")[0].endswith(b"\r") else text


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Replace a file; it keeps its mode."""
    replace_file(path, content, path.stat().st_mode & 0o777 if path.exists() else _NEW_FILE_MODE)
