"""Changes of the project's files in the audit log: what differs, without secrets, whoever has made the change."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from jackfield.access.audit_log import AuditLog, Caller
from jackfield.errors import ConfigurationError
from jackfield.journal.audit import AuditAction, Via
from jackfield.journal.protocol import Journal
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import dotted
from jackfield.project.key_literals import shown_definition
from jackfield.project.secrets import SECRETS_FILE
from jackfield.project.settings import PIPELINES_FOLDER, SETTINGS_FILE
from jackfield.project.toml_file import TomlFile
from jackfield.templates.scope import leaves

_LARGEST: Final = 1_000_000
_FOLDERS: Final = (PIPELINES_FOLDER, "tests")
_MOST_KEYS: Final = 50
_SOMEBODY: Final = Caller("", Via.DISK)
_Stamp = tuple[int, int, int]


def content_hash(text: str | None) -> str:
    """Return what tells a file's text from another; of a file that is gone, a dash."""
    return "-" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class FileAudit:
    """Notes what becomes of the files of a project: who has changed them, or that nobody knows who has."""

    def __init__(self, folder: Path, audit: AuditLog, journal: Journal, loader: Callable[[], PipelineLoader]) -> None:
        self._folder = folder
        self._audit = audit
        self._journal = journal
        self._loader = loader
        self._seen: dict[str, tuple[_Stamp, str | None]] = {}
        self._known: dict[str, str | None] = {}
        self._pending: dict[str, str | None] = {}
        self._busy: Counter[str] = Counter()

    async def begin(self) -> None:
        """Look at the files as they are. Called once, before the first `look()`."""
        await asyncio.to_thread(self._read_changed)
        self._known = {name: text for name, (_, text) in self._seen.items()}

    async def look(self) -> None:
        """Note what was changed past the host, and was so at the last look already: a command notes its own changes."""
        await asyncio.to_thread(self._read_changed)
        names = self._seen.keys() | self._known.keys()
        texts = {name: self._seen[name][1] if name in self._seen else None for name in names}
        changed = {name: text for name, text in texts.items() if text != self._known.get(name)}
        due = {name for name in changed if name in self._pending and self._pending[name] == changed[name]}
        self._pending = {name: text for name, text in changed.items() if name not in due}
        for name in sorted(due):
            if not self._busy[name]:
                await self._note_unless_known(name, changed[name])

    @asynccontextmanager
    async def changing(self, name: str, caller: Caller | None) -> AsyncIterator[None]:
        """Note what the block makes of a file as done by the caller; None: the caller notes it in words of its own."""
        self._busy[name] += 1
        old = await asyncio.to_thread(self._text, name)
        try:
            yield
        finally:
            self._busy[name] -= 1
            new = await asyncio.to_thread(self._text, name)
            if new != old:
                self._known[name] = new
            if new != old and caller is not None:
                await note_change(self._audit, caller, self._loader(), name, (old, new))

    async def _note_unless_known(self, name: str, new: str | None) -> None:
        old, self._known[name] = self._known.get(name), new
        if not await self._journal.noted(name, content_hash(new)):
            await note_change(self._audit, _SOMEBODY, self._loader(), name, (old, new))

    def _read_changed(self) -> None:
        found = dict([*self._stamps()])
        for name in [name for name in self._seen if name not in found]:
            del self._seen[name]
        for name, stamp in found.items():
            if name not in self._seen or self._seen[name][0] != stamp:
                self._seen[name] = (stamp, self._text(name))

    def _stamps(self) -> Iterator[tuple[str, _Stamp]]:
        names = [SETTINGS_FILE, SECRETS_FILE]
        for folder in _FOLDERS:
            try:
                names += [f"{folder}/{path.name}" for path in (self._folder / folder).iterdir() if _is_toml(path)]
            except OSError:  # while it is away, as it may be during a deploy, nothing is known of its files
                yield from ((name, one[0]) for name, one in self._seen.items() if name.startswith(f"{folder}/"))
        for name in names:
            try:
                status = (self._folder / name).stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield name, (status.st_mtime_ns, status.st_ino, status.st_size)

    def _text(self, name: str) -> str | None:
        path = self._folder / name
        try:
            if path.stat().st_size > _LARGEST:
                return f"# {path.stat().st_size} bytes"
            return path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return None


async def note_change(
    audit: AuditLog, caller: Caller, loader: PipelineLoader, name: str, texts: tuple[str | None, str | None]
) -> None:
    """Note that a file was one text and is another now; None: it is not there."""
    action = AuditAction.FILE_REMOVED if texts[1] is None else AuditAction.FILE_CHANGED
    detail = await asyncio.to_thread(describe_change, loader, name, *texts)
    await audit.note(caller, action, name, detail, content=content_hash(texts[1]))


def describe_change(loader: PipelineLoader, name: str, old: str | None, new: str | None) -> str:
    """Say what differs between two texts of a file, without any literal that may be a secret.

    Where a pipeline's text has mistakes, it is not certain which literals are secrets: then only the keys are named.
    """
    if old is None or new is None:
        return "the file is new" if old is None else ""
    tables = [_table(name, text) for text in (old, new)]
    if None in tables:
        return "it is no valid TOML" if tables[1] is None else "it was no valid TOML"
    before, after = (dict(_values(table)) for table in tables if table is not None)
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    shown = None if name == SECRETS_FILE else _shown(loader, name, (old, new))
    if shown is None:
        return _listed(keys)
    lines = unified_diff(shown[0].splitlines(), shown[1].splitlines(), lineterm="", n=2)
    return "\n".join(list(lines)[2:]) or _listed(keys)


def _listed(keys: Sequence[str]) -> str:
    if not keys:
        return "only comments and layout differ"
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
    return f"these keys: {', '.join(keys[:_MOST_KEYS])}{more}"


def _shown(loader: PipelineLoader, name: str, texts: tuple[str, str]) -> tuple[str, str] | None:
    masks = [loader.mask, loader.mask]
    if name.startswith(f"{PIPELINES_FOLDER}/"):
        id = Path(name).stem
        loaded = [loader.load(id, TomlFile.parse(text, name)) for text in texts]
        if any(one.problems for one in loaded):
            return None
        masks = [one.mask for one in loaded]
    old, new = (mask(shown_definition(text)) for mask, text in zip(masks, texts, strict=True))
    return old, new


def _table(name: str, text: str) -> Mapping[str, Any] | None:
    try:
        return TomlFile.parse(text, name).data
    except ConfigurationError:
        return None


def _values(table: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for path, value in leaves(dict(table), ()):
        if not isinstance(value, dict):
            yield dotted(path), value


def _is_toml(path: Path) -> bool:
    return path.suffix == ".toml"
