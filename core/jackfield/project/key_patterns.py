"""Tells which parts of a text look like keys: API tokens, passwords, private keys.

This looks at a text alone; `key_literals` knows in which file and under which name a text stands.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from jackfield.masking import CREDENTIAL_HEADERS
from jackfield.project.secrets import LIKELY_SECRET

KeyFinder: TypeAlias = Callable[[str], Iterator[tuple[int, int]]]
"""Finds the parts of a text that are to be taken for keys, each by its start and its end."""

_SAID: Final = re.compile(r"(?<![\w.-])(?P<name>[\w.-]{1,60})[\"']?\s*(?:[:=]|>)\s*[\"']?(?P<value>[^\s\"'&<>,;{}]+)")
"""A name and what it stands for, in a text that is JSON, XML, a form or a note."""
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
_SHORTEST: Final = 6
_SHORTEST_LOOSE: Final = 8
_LONG: Final = 20
_FEWEST_CHANGES: Final = 3
_LEAST_ENTROPY: Final = 3.0


def certain_keys(text: str) -> Iterator[tuple[int, int]]:
    """Find what hardly anything but a key looks like: a known prefix, or random letters and digits."""
    for known in (*_ARMOUR.finditer(text), *_KNOWN.finditer(text)):
        yield known.span()
    for word in _PARTS.finditer(text):
        if _is_random(word[0]):
            yield word.span()


def possible_keys(text: str) -> Iterator[tuple[int, int]]:
    """Find what a key may look like."""
    yield from certain_keys(text)
    for word in _WORD.finditer(text):
        for part in _PARTS.finditer(word[0]):
            mixed = re.search(r"[A-Za-z]", part[0]) and re.search(r"[0-9]", part[0])
            if (mixed and len(part[0]) >= _SHORTEST_LOOSE) or len(part[0]) >= _LONG:
                yield word.start() + part.start(), word.start() + part.end()
    for said in _SAID.finditer(text):
        if LIKELY_SECRET.search(said["name"]):
            yield said.span("value")


def whole_text(text: str) -> Iterator[tuple[int, int]]:
    """Take the whole text for a key, without the spaces around it; nothing if it is blank."""
    stripped = text.strip()
    if stripped:
        start = text.index(stripped)
        yield start, start + len(stripped)


def is_likely_secret(field: str, text: str) -> bool:
    """Tell whether a field is named like a secret and its text is long enough and no placeholder."""
    if not (LIKELY_SECRET.search(field) or field.lower() in CREDENTIAL_HEADERS):
        return False
    if len(text) < _SHORTEST or _PLACEHOLDER.fullmatch(text):
        return False
    strong = _STRONG_NAME.search(field) or not _WEAK_NAME.search(field)
    return bool(strong) or (len(text) >= _SHORTEST_LOOSE and _CHANGES.search(text) is not None)


def _is_random(word: str) -> bool:
    """Tell whether letters and digits take turns as no language has it."""
    word = word.strip("=")
    if len(word) < _LONG or _UUID.fullmatch(word) or len(_CHANGES.findall(word)) < _FEWEST_CHANGES:
        return False
    counts = Counter(word)
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())
    longest = max(len(part) for part in re.split(r"[-_]", word))
    return entropy >= _LEAST_ENTROPY and longest >= _SHORTEST_LOOSE
