"""Finds keys, tokens and passwords that stand in a pipeline's file as they are, instead of as `{{ secret.NAME }}`.

What a literal is can only be guessed: by the name of its field, by its place in a URL, and by how it looks.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jackfield.errors import ConfigurationError
from jackfield.masking import CREDENTIAL_HEADERS, MASKED
from jackfield.problems import KeyPath, Problem, dotted
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
_SAID: Final = re.compile(r"(?<![\w.-])(?P<name>[\w.-]{1,60})[\"']?\s*(?:[:=]|>)\s*[\"']?(?P<value>[^\s\"'&<>,;{}]+)")
"""A name and what it stands for, in a text that is JSON, XML, a form or a note."""
_NAMED: Final = re.compile(r"(?P<name>[\w.-]{1,60})[\"']?\s{0,9}[:=]\s{0,9}\Z")
"""The same before a text in quotes, inside of a template."""
_SCHEME: Final = re.compile(r"\s*(?:(?:bearer|basic|token|key|bot|oauth|apikey|digest)\b[\s:=]*)?", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(
    r"[.*x•…_-]*|<[^>]*>|your[\s_-].*|change[\s_-]?me|none|true|false|null|\$\..*", re.IGNORECASE
)
_WEAK_NAME: Final = re.compile(r"(^|[_.\-\[])(key|pass)\]?$", re.IGNORECASE)
"""Names that stand for something else just as often: the key of a table, a pass of a gate."""
_STRONG_NAME: Final = re.compile(
    r"token|secret|passw|pwd|authorization|api.?key|access.?key|auth.?key|private", re.IGNORECASE
)
_WORD: Final = re.compile(r"[A-Za-z0-9_+/=~.:-]+")
_PARTS: Final = re.compile(r"[A-Za-z0-9_+~-]+={0,2}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_CHANGES: Final = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
_KNOWN: Final = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=/bot))(?:"
    r"[srw]k_(?:live|test|prod)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}|gh[opsur]_[A-Za-z0-9]{20,}"
    r"|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|AKIA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{10,}|SG\.[\w-]{10,99}\.[\w-]{10,99}|shp(?:at|ss|ca|pa)_[0-9a-f]{16,}"
    r"|key-[0-9a-f]{32}|eyJ[\w-]{8,999}\.[\w-]{4,9999}\.[\w-]*|[0-9]{8,11}:[A-Za-z0-9_-]{30,}|y[0-3]_[\w-]{30,}"
    r"|vk1\.a\.[\w-]{20,}|AQVN[\w-]{20,}|npm_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,}|dop_v1_[0-9a-f]{20,}"
    r"|jackfield_[\w-]{20,}"
    r")"
)
"""How the keys of well-known services begin."""
_ARMOUR: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)
_OPEN_HEADERS: Final = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding",
     "content-language", "content-type", "idempotency-key", "prefer", "user-agent", "x-request-id"}
)  # fmt: skip
_OPEN_KEYS: Final = frozenset({"use", "name", "title", "on_error", "method", "mask", "silent_after", "dedupe_within"})
"""The host's own keys, and `method`: people see these all over the pages."""
_TABLES_OF_OURS: Final = 3
"""How deep the first table lies whose keys a plugin does not name: `steps`, a number, `headers`."""
_LONGEST_NAMED: Final = 80
_SHORTEST: Final = 6
_SHORTEST_LOOSE: Final = 8
_LONG: Final = 20
_FEWEST_CHANGES: Final = 3
_LEAST_ENTROPY: Final = 3.0


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
        yield from _found(path, text, _sure)


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
    for start, end in sorted({*_perhaps(name)}, reverse=True):
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
    loose = _all_of if _is_for_secrets(path) else _perhaps
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


_Judge = Callable[[str], Iterator[tuple[int, int]]]
"""Finds the parts of a text that are to be taken for keys."""


def _found(path: KeyPath, text: str, judge: _Judge) -> Iterator[KeyLiteral]:
    """Find the literals in one value, outside and inside of its templates; none overlaps another."""
    free = 0
    for start, end, code in sorted(_candidates(_field(path), text, judge), key=lambda one: (one[0], -one[1])):
        if free <= start < end:
            free = end
            yield KeyLiteral(path, text, start, end, code)


def _candidates(field: str, text: str, judge: _Judge) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for begin, end in [*_templates(text), (len(text), len(text))]:
        yield from ((at + one, at + other, False) for one, other in _literal(field, text[at:begin], judge))
        at, template = end, text[begin:end]
        if template.startswith("{#"):
            yield from ((begin + one, begin + other, False) for one, other in judge(template))
        else:
            yield from ((begin + one, begin + other, True) for one, other in _in_code(field, template, judge))


def _templates(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while opening := _OPENING.search(text, at):
        end = text.find(_CLOSING[opening[0]], opening.end())
        if end < 0:
            return
        at = end + 2
        yield opening.start(), at


def _in_code(field: str, template: str, judge: _Judge) -> Iterator[tuple[int, int]]:
    """Find the texts in quotes; one that is all of an expression is what its field says."""
    for quoted in _QUOTED.finditer(template):
        inner, alone = quoted[1] or quoted[2] or "", template.strip("{} \n") == quoted[0]
        named = judge is not _sure and inner and _is_said_to_be_secret(template, quoted.start())
        if named or any(True for _ in judge(inner)) or (alone and any(True for _ in _by_name(field, inner))):
            yield quoted.span()


def _is_said_to_be_secret(template: str, start: int) -> bool:
    """Tell whether the name before a text in quotes, as in `{'password': 'x'}`, says that this is a secret."""
    named = _NAMED.search(template, max(0, start - _LONGEST_NAMED), start)
    return named is not None and LIKELY_SECRET.search(named["name"]) is not None


def _literal(field: str, text: str, judge: _Judge) -> Iterator[tuple[int, int]]:
    yield from _by_name(field, text)
    for url in _URL.finditer(text):
        yield from _login(url)
    for parameter in _PARAMETER.finditer(text):
        if _is_likely(parameter["name"], parameter["value"]) or (judge is not _sure and parameter["value"]):
            yield parameter.span("value")
    yield from judge(text if judge is _all_of else _URL.sub(_without_host, text))


def _without_host(url: re.Match[str]) -> str:
    """A host is no key, however odd its name."""
    return url[0][: url.start("host") - url.start()] + " " * len(url["host"])


def _by_name(field: str, text: str) -> Iterator[tuple[int, int]]:
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    rest = text[start:].rstrip()
    if _is_likely(field, rest) and "://" not in text:
        yield start, start + len(rest)


def _login(url: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Find the password in `https://name:password@host`; where that is empty, the name is the secret."""
    if url["login"] is None:
        return
    name, colon, password = url["login"][:-1].partition(":")
    start = url.start("login")
    if colon and password:
        yield start + len(name) + 1, start + len(name) + 1 + len(password)
    elif name and (colon or any(True for _ in _perhaps(name))):
        yield start, start + len(name)


def _is_likely(field: str, text: str) -> bool:
    if not (LIKELY_SECRET.search(field) or field.lower() in CREDENTIAL_HEADERS):
        return False
    if len(text) < _SHORTEST or _PLACEHOLDER.fullmatch(text):
        return False
    strong = _STRONG_NAME.search(field) or not _WEAK_NAME.search(field)
    return bool(strong) or (len(text) >= _SHORTEST_LOOSE and _CHANGES.search(text) is not None)


def _sure(text: str) -> Iterator[tuple[int, int]]:
    """Find what hardly anything but a key looks like."""
    for known in (*_ARMOUR.finditer(text), *_KNOWN.finditer(text)):
        yield known.span()
    for word in _PARTS.finditer(text):
        if _is_random(word[0]):
            yield word.span()


def _perhaps(text: str) -> Iterator[tuple[int, int]]:
    """Find what a key may look like."""
    yield from _sure(text)
    for word in _WORD.finditer(text):
        for part in _PARTS.finditer(word[0]):
            mixed = re.search(r"[A-Za-z]", part[0]) and re.search(r"[0-9]", part[0])
            if (mixed and len(part[0]) >= _SHORTEST_LOOSE) or len(part[0]) >= _LONG:
                yield word.start() + part.start(), word.start() + part.end()
    for said in _SAID.finditer(text):
        if LIKELY_SECRET.search(said["name"]):
            yield said.span("value")


def _all_of(text: str) -> Iterator[tuple[int, int]]:
    stripped = text.strip()
    if stripped:
        start = text.index(stripped)
        yield start, start + len(stripped)


def _is_random(word: str) -> bool:
    """Tell whether letters and digits take turns as no language has it."""
    word = word.strip("=")
    if len(word) < _LONG or _UUID.fullmatch(word) or len(_CHANGES.findall(word)) < _FEWEST_CHANGES:
        return False
    counts = Counter(word)
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())
    longest = max(len(part) for part in re.split(r"[-_]", word))
    return entropy >= _LEAST_ENTROPY and longest >= _SHORTEST_LOOSE


def _field(path: KeyPath) -> str:
    """Return the name that says what stands at a place."""
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "")
