"""Finds keys, tokens and passwords that stand in a pipeline's file as they are, instead of as `{{ secret.NAME }}`.

A literal is guessed by the name of its field, by its place in a URL, and by how it looks (`key_patterns`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jackfield.errors import ConfigurationError
from jackfield.masking import MASKED
from jackfield.problems import KeyPath, Problem, dotted
from jackfield.project.key_patterns import KeyFinder, certain_keys, is_likely_secret, possible_keys, whole_text
from jackfield.project.secrets import LIKELY_SECRET
from jackfield.project.toml_edit import value_at
from jackfield.project.toml_file import TomlFile
from jackfield.project.toml_text import toml_document

_OPENING: Final = re.compile(r"\{[{%#]")
_CLOSING: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_QUOTED: Final = re.compile(r"(?<!\\)'((?:[^'\\]|\\.)*)'|(?<!\\)\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_URL: Final = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://(?P<login>[^\s/?#@]*@)?(?P<host>[^\s/?#]*)", re.IGNORECASE
)
_PARAMETER: Final = re.compile(r"[?&](?P<name>[^=&?#\s{}]+)=(?P<value>[^&#\s]*)")
_NAMED: Final = re.compile(r"(?P<name>[\w.-]{1,60})[\"']?\s{0,9}[:=]\s{0,9}\Z")
"""The same before a text in quotes, inside of a template."""
_SCHEME: Final = re.compile(r"\s*(?:(?:bearer|basic|token|key|bot|oauth|apikey|digest)\b[\s:=]*)?", re.IGNORECASE)
_OPEN_HEADERS: Final = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding",
     "content-language", "content-type", "idempotency-key", "prefer", "user-agent", "x-request-id"}
)  # fmt: skip
_OPEN_KEYS: Final = frozenset({"use", "name", "title", "on_error", "method", "mask", "silent_after", "dedupe_within"})
"""The host's own keys, and `method`: people see these all over the pages."""
_TABLES_OF_OURS: Final = 3
"""How deep the first table lies whose keys a plugin does not name: `steps`, a number, `headers`."""
_LONGEST_NAMED: Final = 80


@dataclass(frozen=True, slots=True)
class KeyLiteral:
    """A literal that looks like a key: where its value stands, and which part of that it is.

    `code` says that it stands in quotes inside of a template; then the quotes are part of it.
    """

    key: KeyPath
    value: str
    start: int
    end: int
    code: bool = False

    @property
    def text(self) -> str:
        """The literal itself."""
        return self.value[self.start + self.code : self.end - self.code]

    def replaced(self, name: str) -> str:
        """Return the value with a named secret in the place of the literal."""
        secret = f"secret.{name}" if self.code else f"{{{{ secret.{name} }}}}"
        return self.value[: self.start] + secret + self.value[self.end :]


def key_literals(data: Mapping[str, Any]) -> Iterator[KeyLiteral]:
    """Find the literals that look like keys: few of them are anything else."""
    for path, text in _texts(data, ()):
        yield from _found(path, text, certain_keys)


def key_warnings(pipeline: str, file: TomlFile) -> list[Problem]:
    """Warn of each value in a pipeline's file with such a literal, with the command that moves it to the secrets."""
    found = {literal.key: literal for literal in key_literals(file.data)}
    return [
        file.problem(
            key,
            "has something that looks like a key, and whoever may see the file sees it; move it to the secrets: "
            f"jackfield secrets move {pipeline} '{dotted(key)}' --as {secret_name(pipeline, file.data, key)}",
        )
        for key in found
    ]


def without_literals(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition without every literal that may be a secret, be it as improbable as you like."""
    hidden: dict[str, Any] = _mapped(data, ())
    return hidden


def shown_definition(text: str) -> str:
    """Return what a file says without its comments and without every literal that may be a secret."""
    try:
        return toml_document(without_literals(TomlFile.parse(text, "").data))
    except (ConfigurationError, ValueError, RecursionError):
        return MASKED


def secret_name(pipeline: str, data: Mapping[str, Any], key: KeyPath) -> str:
    """Suggest a name for the secret at this place, by the host that is sent to and the name of the field."""
    table = value_at(data, key[:2]) if key[:1] == ("steps",) else data.get("source")
    url = table.get("url") if isinstance(table, Mapping) else None
    host = _URL.match(url) if isinstance(url, str) else None
    labels = host["host"].partition(":")[0].split(".") if host and "{" not in host["host"] else []
    owner = labels[-2] if len(labels) > 1 and not labels[-1].isdigit() else pipeline
    field = re.sub(r"^x-", "", _field(key), flags=re.IGNORECASE).lower()
    field = {"authorization": "token", "url": "key"}.get(field, field)
    return _named(f"{owner}_{field}")


def _named(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper() or "KEY"
    return name if not name[0].isdigit() else f"KEY_{name}"


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _mapped(value: Any, path: KeyPath) -> Any:
    if isinstance(value, str):
        return _masked(path, value)
    if isinstance(value, Mapping):
        return {_masked_name(key, path): _mapped(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_for_secrets(path):
        return MASKED
    return value


def _masked_name(name: str, path: KeyPath) -> str:
    """Hide a key that stands where a name should, but for the names that the host and the plugins have given."""
    if len(path) < _TABLES_OF_OURS:
        return name
    for start, end in sorted({*possible_keys(name)}, reverse=True):
        name = f"{name[:start]}{MASKED}{name[end:]}"
    return name


def _is_open(path: KeyPath) -> bool:
    """Tell whether a value is one of `_OPEN_KEYS` where the host reads it: at the top, of the source or of a step."""
    names = [part for part in path if isinstance(part, str)]
    return names[-1:] != [] and names[-1] in _OPEN_KEYS and names[:-1] in ([], ["source"], ["steps"])


def _is_for_secrets(path: KeyPath) -> bool:
    return _is_closed(path) or LIKELY_SECRET.search(_field(path)) is not None


def _masked(path: KeyPath, text: str) -> str:
    if _is_open(path):
        return text
    loose = whole_text if _is_for_secrets(path) else possible_keys
    for literal in sorted(_found(path, text, loose), key=lambda one: -one.start):
        shown = f'"{MASKED}"' if literal.code else MASKED
        text = text[: literal.start] + shown + text[literal.end :]
    return text


def _is_closed(path: KeyPath) -> bool:
    """Tell whether a place is one for credentials above all: a header, a parameter of the address."""
    table = str(path[-2]).lower() if len(path) > 1 else ""
    if table in {"headers", "cookies"}:
        return str(path[-1]).lower() not in _OPEN_HEADERS
    return table in {"query", "params", "auth", "basic", "digest", "oauth2", "verify"}


def _found(path: KeyPath, text: str, find: KeyFinder) -> Iterator[KeyLiteral]:
    """Find the literals in one value, outside and inside of its templates; none overlaps another."""
    free = 0
    for start, end, code in sorted(_candidates(_field(path), text, find), key=lambda one: (one[0], -one[1])):
        if free <= start < end:
            free = end
            yield KeyLiteral(path, text, start, end, code)


def _candidates(field: str, text: str, find: KeyFinder) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for begin, end in [*_templates(text), (len(text), len(text))]:
        yield from ((at + one, at + other, False) for one, other in _literal(field, text[at:begin], find))
        at, template = end, text[begin:end]
        if template.startswith("{#"):
            yield from ((begin + one, begin + other, False) for one, other in find(template))
        else:
            yield from ((begin + one, begin + other, True) for one, other in _in_code(field, template, find))


def _templates(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while opening := _OPENING.search(text, at):
        end = text.find(_CLOSING[opening[0]], opening.end())
        if end < 0:
            return
        at = end + 2
        yield opening.start(), at


def _in_code(field: str, template: str, find: KeyFinder) -> Iterator[tuple[int, int]]:
    """Find the texts in quotes; one that is all of an expression is what its field says."""
    for quoted in _QUOTED.finditer(template):
        inner, alone = quoted[1] or quoted[2] or "", template.strip("{} \n") == quoted[0]
        named = find is not certain_keys and inner and _is_said_to_be_secret(template, quoted.start())
        if named or any(True for _ in find(inner)) or (alone and any(True for _ in _by_name(field, inner))):
            yield quoted.span()


def _is_said_to_be_secret(template: str, start: int) -> bool:
    """Tell whether the name before a text in quotes, as in `{'password': 'x'}`, says that this is a secret."""
    named = _NAMED.search(template, max(0, start - _LONGEST_NAMED), start)
    return named is not None and LIKELY_SECRET.search(named["name"]) is not None


def _literal(field: str, text: str, find: KeyFinder) -> Iterator[tuple[int, int]]:
    yield from _by_name(field, text)
    for url in _URL.finditer(text):
        yield from _login(url)
    for parameter in _PARAMETER.finditer(text):
        if is_likely_secret(parameter["name"], parameter["value"]) or (find is not certain_keys and parameter["value"]):
            yield parameter.span("value")
    yield from find(text if find is whole_text else _URL.sub(_without_host, text))


def _without_host(url: re.Match[str]) -> str:
    """A host is no key, however odd its name."""
    return url[0][: url.start("host") - url.start()] + " " * len(url["host"])


def _by_name(field: str, text: str) -> Iterator[tuple[int, int]]:
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    rest = text[start:].rstrip()
    if is_likely_secret(field, rest) and "://" not in text:
        yield start, start + len(rest)


def _login(url: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Find the password in `https://name:password@host`; where that is empty, the name is the secret."""
    if url["login"] is None:
        return
    name, colon, password = url["login"][:-1].partition(":")
    start = url.start("login")
    if colon and password:
        yield start + len(name) + 1, start + len(name) + 1 + len(password)
    elif name and (colon or any(True for _ in possible_keys(name))):
        yield start, start + len(name)


def _field(path: KeyPath) -> str:
    """Return the name that says what stands at a place."""
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "")
