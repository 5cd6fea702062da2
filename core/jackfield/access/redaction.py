"""Runs and refused requests as those see them who may not see the values that a pipeline's `mask` names.

The request that came in is hidden but for its method and the names of its headers. In all else the values are taken out
where the paths lead, and wherever they stand as text. Found are: a value as it is, less the spaces around it, in lower,
upper and title case unless it is longer than any name, of a telephone number its digits alone, and of a number whatever
means the same (1990.5, 1990,50); each of these as it stands in JSON, in JSON within JSON, in HTML, percent-encoded or
in a form (UTF-8 and windows-1251). What a step has made something else of (a hash, base64, a part of it, another
alphabet) is not found. True, false and null are taken out where a path leads to them, and not elsewhere.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, quote_plus

from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.components.values import Event, Exchange
from jackfield.errors import TemplateError
from jackfield.journal.records import Attempt, Refusal, StoredRequest
from jackfield.journal.views import Duplicate, RunSummary, RunView
from jackfield.masking import MASKED, Mask
from jackfield.pipelines.labels import CUT, one_line
from jackfield.templates.limits.budget import Budget
from jackfield.templates.paths.path import Path
from jackfield.templates.paths.query import Key

_MOST_VALUES: Final = 500
_LONGEST_VALUES: Final = 10_000
_MOST_WORK: Final = 120_000
"""Beyond so many values, characters of them or work to look for them, everything is hidden: an event that anybody may
have sent must not keep the host busy. This much work takes about a second."""
_MOST_LOOKING: Final = 2_000_000_000
"""The same of that work times the characters that are looked through, in which Python is stopped as a whole."""
_PLAIN: Final = re.compile("[A-Za-z0-9._-]+")
_WORK_OF_OTHERS: Final = 10
"""How many times more work a character is that encoders do not leave alone."""
_LONGEST_NAME: Final = 64
"""Characters of the longest value that is looked for in other cases, too: a step writes a name so, but no letter."""
_SHORTEST_NUMBER: Final = 7
_LONGEST_NUMBER: Final = 300
_NATIONAL: Final = 10
_LONGEST_ESCAPE: Final = 12
"""How many characters one character may take up when it is encoded."""
_CUT: Final = re.compile(r" … \[(?:cut at \d+ bytes|the rest was not read)\]\Z")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_QUOTES: Final = ("'", "&#39;", "&apos;")
_LEGACY: Final = "windows-1251"


class Redactor:
    """What is laid over a run: `paths` to what is hidden, and the events that the values are read from.

    Without paths, everything is hidden that came with an event or was made of it. `complete` says whether that is so.
    """

    def __init__(self, paths: Sequence[Path] | None, events: Iterable[Event]) -> None:
        values = None if paths is None else _values(paths, events)
        self._paths = paths or ()
        spellings = {spelling for value in values or () for spelling in _spellings(value)}
        self._effort = _work(spellings)
        if self._effort > _MOST_WORK:
            values, spellings = None, set()
        self.complete: Final = values is None
        self._mask = Mask(spellings)
        self._numbers = {number for value in values or () if (number := _number(value)) is not None}
        self._longest = max(map(len, spellings), default=0) * _LONGEST_ESCAPE

    def run(self, view: RunView) -> RunView:
        """Cover a run with all that happened to it."""
        if self._effort * _length(view) > _MOST_LOOKING:
            return Redactor(None, ()).run(view)
        return RunView(
            summary=self.summary(view.summary),
            event=self.event(view.event),
            request=_hidden(view.request),
            attempts=[self._attempt(attempt) for attempt in view.attempts],
            duplicates=[Duplicate(one.received_at, self.event(one.event)) for one in view.duplicates],
            replays=view.replays,
        )

    def summary(self, summary: RunSummary) -> RunSummary:
        """Cover a run's line in a list."""
        warnings = [self.text(warning) for warning in summary.warnings]
        error, label = summary.error and self.text(summary.error), summary.label and self.label(summary.label)
        return replace(summary, error=error, warnings=warnings, label=label)

    def refusal(self, refusal: Refusal) -> Refusal:
        """Cover a refused request."""
        return replace(refusal, reason=self.text(refusal.reason), request=_hidden(refusal.request), label=None)

    def event(self, event: Event) -> Event:
        """Cover an event."""
        if self.complete or self._effort * len(repr(event.data)) > _MOST_LOOKING:
            return Event({MASKED: MASKED})
        places = _places(self._paths, event)
        if places is None:
            return Event({MASKED: MASKED})
        document: Any = {"event": deepcopy(event.data)}
        for place in places:
            _put(document, place)
        data = self.json(document["event"])
        blank = frozenset(map(self.text, event.blank))
        return Event(data if isinstance(data, dict) else {}, blank, tuple(map(self.text, event.warnings)))

    def text(self, text: str) -> str:
        """Cover a text."""
        if self.complete:
            return MASKED if text else text
        text = self._mask(text)
        return _NUMBER.sub(self._digits, text) if self._numbers else text

    def label(self, label: str) -> str:
        """Redact a label. One that was cut goes as a whole: it may end in the first half of a value."""
        return MASKED if CUT in label else self.text(label)

    def json(self, value: JsonValue) -> JsonValue:
        """Cover JSON: texts and names in which a value stands, and numbers that are one."""
        if isinstance(value, dict):
            return {self.text(name): self.json(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool):
            return MASKED if self.complete and value is not None else value
        written = _written(value)
        return value if self.text(written) == written else MASKED

    def _digits(self, match: re.Match[str]) -> str:
        return MASKED if _number(match.group()) in self._numbers else match.group()

    def _attempt(self, attempt: Attempt) -> Attempt:
        return replace(
            attempt,
            error=attempt.error and self.text(attempt.error),
            traceback=attempt.traceback and self.text(attempt.traceback),
            result=self.json(attempt.result),
            exchanges=[self._exchange(exchange) for exchange in attempt.exchanges],
        )

    def _exchange(self, exchange: Exchange) -> Exchange:
        return replace(
            exchange,
            url=self.text(exchange.url),
            request_headers=self._headers(exchange.request_headers),
            request_body=self._body(exchange.request_body),
            response_headers=self._headers(exchange.response_headers),
            response_body=self._body(exchange.response_body),
            error=exchange.error and self.text(exchange.error),
        )

    def _headers(self, headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((self.text(name), self.text(value)) for name, value in headers)

    def _body(self, body: str) -> str:
        mark = _CUT.search(body)
        text = self.text(body[: mark.start()] if mark else body)
        if mark is None or self.complete:
            return text
        return text[: max(0, len(text) - self._longest)] + mark.group()  # the first half of a value may stand there


def _length(view: RunView) -> int:
    """Count the characters of a run that may be very many."""
    exchanges = [exchange for attempt in view.attempts for exchange in attempt.exchanges]
    texts = [text for one in exchanges for text in (one.url, one.request_body, one.response_body)]
    events = [view.event, *(one.event for one in view.duplicates)]
    values = [*(attempt.result for attempt in view.attempts), *(event.data for event in events)]
    return sum(map(len, texts)) + sum(len(repr(value)) for value in values)


def _hidden(request: StoredRequest) -> StoredRequest:
    """Hide all of a request but its method and the names of its headers: the ways to write a value have no end."""
    headers = tuple((name, MASKED) for name, _ in request.headers)
    query = MASKED if request.query else ""
    return replace(request, query=query, headers=headers, body=MASKED if request.body else "", encoding="utf-8")


def _values(paths: Sequence[Path], events: Iterable[Event]) -> set[str] | None:
    """Collect the values that paths lead to, as text; None if they are too many."""
    found: set[str] = set()
    for event in events:
        places = _places(paths, event)
        if places is None:
            return None
        for place in places:
            value: Any = {"event": event.data}
            for key in place:
                value = value[key]
            found.update(_leaves(value))
    enough = len(found) <= _MOST_VALUES and sum(map(len, found)) <= _LONGEST_VALUES
    return found if enough else None


def _places(paths: Sequence[Path], event: Event) -> list[tuple[Key, ...]] | None:
    """Find all that the paths lead to; None if that takes too long."""
    document: dict[str, Any] = {"event": event.data}
    budget = Budget()
    try:
        return [place for path in paths for place in path.places(document, budget)]
    except TemplateError:
        return None


def _leaves(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield _written(value)


def _written(number: float) -> str:
    return to_json(number, inf_nan_mode="constants").decode()


def _number(text: str) -> float | None:
    """Read a number, however it is written: 1990.5, 1990,50 and 19.905e2 are the same."""
    text = text.strip()
    return float(text.replace(",", ".")) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _put(document: Any, place: Sequence[Key]) -> None:
    """Put stars in a place; one that is within another, which was hidden before it, is gone."""
    container = document
    for key in place[:-1]:
        container = container[key]
        if not isinstance(container, dict | list):
            return
    container[place[-1]] = MASKED


def _work(spellings: Iterable[str]) -> int:
    return sum(len(one) + (_WORK_OF_OTHERS - 1) * len(_PLAIN.sub("", one)) for one in spellings)


def _spellings(value: str) -> Iterator[str]:
    """Write a value in every way that is looked for; `Mask` sees to UTF-8, percent-encoded or escaped."""
    plain = value.strip()
    digits = "".join(filter(str.isdigit, plain))
    forms = {value, plain, " ".join(plain.split()), one_line(plain)}
    if len(plain) <= _LONGEST_NAME:
        forms |= {plain.lower(), plain.upper(), plain.title(), plain.casefold()}
    if len(digits) >= _SHORTEST_NUMBER and not any(map(str.isalpha, plain)):
        forms |= {digits, digits[-_NATIONAL:]}
    for form in forms:
        if not form.strip(" \t\r\n*"):
            continue
        marked = html.escape(form, quote=False)
        yield from (
            form,
            marked,
            html.escape(form),
            *(marked.replace('"', "&quot;").replace("'", one) for one in _QUOTES),
        )
        yield from (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
        if not form.isascii() and (legacy := _percent_encoded(form)):
            yield from legacy


def _percent_encoded(text: str) -> Sequence[str]:
    try:
        encoded = (quote(text, safe="", encoding=_LEGACY), quote_plus(text, safe="", encoding=_LEGACY))
    except UnicodeEncodeError:
        return ()
    lower = [re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), one) for one in encoded]
    return (*encoded, *lower)
