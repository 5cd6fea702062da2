"""Mistakes in a pipeline's file, in the visitor's language: the core says them in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from jackfield.web.pages.words import noop

_WHERE: Final = re.compile(r"(?:[\w./\[\]-]+(?::[0-9]+)?: )+")
"""What may stand in front: file, line and key."""

_ENDINGS: Final = (
    noop('; did you mean "%(word)s"?'),
    noop("; known: %(words)s"),
)

_MISTAKES: Final = (
    noop("is required"),
    noop('must be a table, such as { name = "value" }'),
    noop('must be a list, such as ["a", "b"]'),
    noop("must be a whole number"),
    noop("must be a number"),
    noop("must be true or false"),
    noop("must be one of %(choices)s"),
    noop("must be text in quotes"),
    noop("must match the pattern %(pattern)s"),
    noop("must have %(least)s or more characters"),
    noop("must have %(most)s characters at most"),
    noop("must have %(least)s or more entries"),
    noop("must have %(most)s entries at most"),
    noop("must be at least %(least)s"),
    noop("must be more than %(limit)s"),
    noop("must be at most %(most)s"),
    noop("must be less than %(limit)s"),
    noop("must be one expression in braces, such as %(example)s"),
    noop("is not known here"),
    noop('there is no source "%(name)s"'),
    noop('there is no action "%(name)s"'),
    noop("is not valid TOML: %(reason)s"),
    noop("is not UTF-8 text; save it as UTF-8"),
    noop("is shorter than %(least)s characters: where it occurs by chance, the journal shows ***, too"),
    noop("secret %(name)s is not set; put it into secrets.toml or %(variable)s"),
    noop("%(path)s is not an earlier step"),
    noop('%(value)s is not a duration such as "5 s", "10 min", "1 h" or "30 days"'),
    noop('%(value)s is not a rate such as "7/s" or "100/min"'),
    noop("%(value)s is not a unit that is known here; write %(units)s"),
    noop("may have only Latin letters, digits and _, with no digit in front: later steps use it in a path"),
    noop('two steps are called "%(name)s"; give this one a name of its own'),
    noop("%(name)s is not known here; data is reached by a path: write %(path)s"),
    noop("there is no filter %(name)s; install the plugin that has it, or take one of Jinja's"),
    noop("is not an address: it must begin with http:// or https:// and a host, and be one line"),
    noop("give either %(one)s or %(other)s, not both"),
)


def _pattern(message: str) -> re.Pattern[str]:
    """Make the pattern of all messages that this one stands for: `%(name)s` for any text."""
    parts = re.split(r"%\((\w+)\)s", message)
    return re.compile("".join(f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)))


_BY_PATTERN: Final = tuple((_pattern(message), message) for message in _MISTAKES)
_BY_ENDING: Final = tuple((re.compile(f"(?P<said>.+?){_pattern(one).pattern}"), one) for one in _ENDINGS)


def in_words(message: str, gettext: Callable[[str], str]) -> str:
    """Say a mistake in the language of `gettext`; as it is if it is none of those that are known here."""
    for pattern, ending in _BY_ENDING:
        if found := pattern.fullmatch(message):
            said = found.groupdict()
            return in_words(said.pop("said"), gettext) + gettext(ending) % said
    return _said(message, _BY_PATTERN, gettext) or _after_where(message, gettext) or message


def _after_where(message: str, gettext: Callable[[str], str]) -> str | None:
    where = _WHERE.match(message)
    said = _said(message[where.end() :], _BY_PATTERN, gettext) if where else None
    return f"{where[0]}{said}" if where and said else None


def _said(message: str, known: Iterable[tuple[re.Pattern[str], str]], gettext: Callable[[str], str]) -> str | None:
    for pattern, template in known:
        if found := pattern.fullmatch(message):
            return gettext(template) % found.groupdict()
    return None
