"""Every sentence that the core or a plugin says about something that went wrong can be said in Russian."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest

from jackfield.i18n.phrases import Phrasebook, read_phrases

_ROOT = Path(__file__).parent.parent
CORE = _ROOT / "core" / "jackfield"
PACKAGES = [CORE, *sorted(_ROOT.glob("plugins/*/jackfield_*"))]

_VALUE = "7"
"""What stands for any value in a sentence: it has no letters."""
_NOT_SHOWN = {"TypeError", "RuntimeError", "AssertionError", "NotImplementedError", "LookupError", "KeyError"}
"""Faults of code: who sees them is its author, in English, in a traceback."""
_SAID_BY: Mapping[str, int] = {
    "ValidationProblem": 1,
    "Failed": 0,
    "Finding": 2,
    "Problem": 3,
    "Skipped": 0,
    "Refused": 1,
    "problem": 1,
    "report": 1,
    "begun": 2,
}
"""What else takes a sentence that is shown: which of its arguments that is."""
_ELSEWHERE = {
    "cli": "the command line is in English",
    "web": "pages have words of their own, and the API is in English",
    "i18n": "for translators, in the log",
    "testing": "for who tests a plugin",
}
_UNSEEN = {
    "module 7 has no attribute 7": "for the author of a plugin, in a traceback",
    "run 7 was cancelled before step 7": "tells the worker to stop; the run is shown as cancelled",
    "run 7 was cancelled; the step 7 that it had done is not written down": "as above",
    "7: the journal is closed": "the host has ended",
    "7: only the host that works on the journal keeps its text index": "the command line, beside a host",
    "null and infinity have no form in TOML": "asked before it is raised",
    "is not there; make a project with `jackfield init DIR`, or name its folder with --project": "there is no host",
    "there is a test 7 already; choose another name": "the page has words of its own",
}
"""Sentences that cannot come to a page or a notice, and why."""
_VARIANTS: Mapping[str, Sequence[str]] = {
    "there is no 7 7; 7": [f"there is no {kind} 7; 7" for kind in ("filter", "test")],
    "7 is not 7": [
        '7 is not a duration such as "5 s", "10 min", "1 h" or "30 days"',
        '7 is not a size such as "64 KB", "1 MB" or "2 GB"',
        '7 is not a rate such as "7/s" or "100/min"',
    ],
    "7 is not sent: 7 7": ["the request is not sent: 7 7", "request 7 is not sent: 7 7"],
}
"""Sentences that have words in the place of a value: all that they can be."""

_SALVAGE = "stop the host, and {} `jackfield journal salvage`{}"
_NOT_YET = "it cannot be written out again yet: another process has the file open that took the place of 7; end it"

_ENGLISH = re.compile(r"[a-z']{2,} [a-z']{2,}")

_Place: TypeAlias = tuple[str, int]


def sentences(package: Path) -> dict[str, _Place]:
    """Find what is said in the code of a package; values in a sentence are a digit each."""
    found: dict[str, _Place] = {}
    for path in sorted(package.rglob("*.py")):
        if package == CORE and path.relative_to(CORE).parts[0] in _ELSEWHERE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for line, said in _Module(tree).sentences():
            if " " in said and sum(map(str.isalpha, said)) > 2:
                found.setdefault(said, (str(path.relative_to(_ROOT)), line))
    return found


class _Module:
    """One module: its sentences, in the places where they are handed over to be shown."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets += [node.target] if isinstance(node, ast.AnnAssign) and node.value else []
            for name in targets:
                value: ast.expr = node.value  # type: ignore[attr-defined]
                self._assigned.setdefault(ast.unparse(name), []).append(value)

    def sentences(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self._tree):
            for message in _handed_over(node):
                for said in self._read(message, 4):
                    yield message.lineno, said

    def _read(self, node: ast.expr, depth: int) -> Iterator[str]:
        """Read what an expression may say; nothing if it is made elsewhere."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else _VALUE for part in parts)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                sides = [list(self._read(side, depth)) or [_VALUE] for side in (left, right)]
                yield from map("".join, product(*sides))
            case _:
                for one in self._alternatives(node) if depth else ():
                    yield from self._read(one, depth - 1)

    def _alternatives(self, node: ast.expr) -> Sequence[ast.expr]:
        """Find what an expression may come to."""
        match node:
            case ast.IfExp(body=body, orelse=other):
                return [body, other]
            case ast.BoolOp(values=values):
                return values
            case ast.Name(id=name):
                return self._assigned.get(name, ())
            case ast.Subscript(value=ast.Name(id=name)):
                tables = [value for value in self._assigned.get(name, ()) if isinstance(value, ast.Dict)]
                return [value for table in tables for value in table.values]
        return ()


def _handed_over(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[message, *_])):
            if name[0].isupper() and name not in _NOT_SHOWN:  # else it is a function, which says it
                yield message
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            place = _SAID_BY.get(name)
            if place is not None and place < len(arguments):
                yield arguments[place]
        case ast.Yield(value=ast.JoinedStr() | ast.Constant() as message):
            yield message


def is_known(book: Phrasebook, said: str) -> bool:
    """Tell whether nothing of a sentence would stay in English; a word alone is a name."""
    if (found := book.look_up(said)) is not None:
        return all(" " not in value or is_known(book, value) for value in found[1])
    where, _, rest = said.partition(": ")
    return where == _VALUE and is_known(book, rest)


def forms_of(said: str) -> Iterator[str]:
    """Say how else a sentence may be met: with nothing at its end, or after the name of what it is about."""
    yield from (said, said.removesuffix(_VALUE), f"{_VALUE} {said}")


def book_of(folders: Iterable[Path]) -> Phrasebook:
    files = [folder / ("i18n/locale" if folder == CORE else "locale") / "ru.po" for folder in folders]
    return Phrasebook([phrase for file in files if file.exists() for phrase in read_phrases(file, "ru")])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_sentence_about_what_went_wrong_is_in_the_phrasebook(package: Path) -> None:
    book = book_of([CORE, package] if package != CORE else [CORE])
    unknown = {
        one: place
        for said, place in sentences(package).items()
        if said not in _UNSEEN
        for one in _VARIANTS.get(said, [said])
        if not any(is_known(book, form) for form in forms_of(one))
    }
    assert unknown == {}


def test_no_exception_is_left_over() -> None:
    said = {sentence for package in PACKAGES for sentence in sentences(package)}
    assert (_UNSEEN.keys() | _VARIANTS.keys()) - said == set()


@pytest.mark.parametrize(
    "said",
    [
        "step 7: 7 is not known: its name does not resolve",
        "step 7: 7 cannot be talked to over TLS: certificate has expired",
        "7 (through the proxy 7) did not answer in time",
        "the connection to 7 broke: Connection reset by peer",
        *(
            f"7 (for 7) is {kind} address; to allow it, put it into [http] allow in jackfield.toml"
            for kind in ("an unspecified", "a loopback", "a link-local", "a multicast", "a reserved", "a private")
        ),
        "7.db: the disk is full; make room on it",
        "7.db: Permission denied; see that its folder exists and is this user's to write in",
        "the host has stopped working on its journal: 7: the disk does not read or write (7); look at the system log",
        "7.db: the file is damaged; " + _SALVAGE.format("bring out what can be read with", ", or put back a copy"),
        "7.db: 7 was deleted or moved away while the host had it open; it is being written out again",
        "7.db: another file was put in the place of 7 under the host; it is being written out again",
        "7.db: 7 was deleted or moved away while the host had it open; " + _NOT_YET,
        "7: another file was put in the place of 7 under the host; it cannot be written out again yet: Is a directory",
        "7.db: 7 was cut off or overwritten while the host had it open; "
        + _SALVAGE.format("put back a copy, or bring out what can be read with", ""),
        "source.dedupe: there is no value in this event",
        "the body is longer than 7 bytes ([server] body_limit); only its beginning was kept",
        'the pipeline has no working source: 7.toml:7: source: there is no source "7"; known: 7, 7',
        "put on hold after 7 failed runs in a row; the last one is 7",
        "put on hold after 7 failed runs in a row; step 7: no result within 7 s (the step's timeout)",
        "pipeline 7 is blocked: 7.toml:7: is not valid TOML: Unclosed array; replay the run on the current version",
        "7 (7 7) cannot be imported: 7: 7",
        "the attempt ended before there was an answer",
        "no answer within 7 s",
        "7.toml:7: steps[7].7: not a valid template: unexpected 7; correct it, or write {{ '{{' }} for literal braces",
    ],
)
def test_sentences_that_are_put_together_elsewhere_are_known_as_well(said: str) -> None:
    book = book_of([CORE])
    said = book(said).replace("[http] allow in jackfield.toml", "").replace("`jackfield journal salvage`", "")
    left = _ENGLISH.findall(said)
    assert left == []
