"""Writes a run down as a test of its pipeline.

The text is put together here and not by tomlkit, which takes seconds for an event of a megabyte.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

from jackfield.checks.scenario import UNSEEN_BODY, UNTOLD
from jackfield.components.values import Exchange
from jackfield.journal.records import Attempt, Outcome
from jackfield.journal.views import RunView
from jackfield.project.toml_text import toml_value

_UNHEARD: Final = frozenset({"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"})
_LONGEST_LAID_OUT: Final = 100_000
"""Characters of an event that is written in lines: whoever wants to change a longer one has a tool for it."""
_GROWTH: Final = 8


def scenario_text(view: RunView, unrun: Collection[str]) -> str:
    """Write a run down as a test: its event, the requests of each step's last attempt, and what they were answered.

    `unrun` are the steps that are not run in a test: of these, the result is kept.
    """
    lines = [
        f"# Run {view.summary.id}. `jackfield test` sends nothing; *** stands for any text.",
        f"pipeline = {_text(view.summary.pipeline)}",
        f"run = {_text(view.summary.id)}",
        f"received_at = {_text(view.summary.received_at.isoformat())}",
    ]
    if view.event.blank:
        lines.append(f"blank = [{', '.join(map(_text, sorted(view.event.blank)))}]")
    lines.append(f"event = {_json(view.event.data)}")
    for attempt in _last_attempts(view.attempts):
        lines += _step(attempt, keep_result=attempt.step in unrun)
    return "\n".join([*lines, ""])


def _last_attempts(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    last = {attempt.step: attempt for attempt in attempts}
    return iter(sorted(last.values(), key=lambda attempt: attempt.index))


def _step(attempt: Attempt, *, keep_result: bool) -> list[str]:
    lines = ["", "[[steps]]", f"name = {_text(attempt.step)}"]
    if attempt.outcome is Outcome.SKIPPED:
        lines.append("skipped = true")
    if attempt.error is not None:
        lines.append(f"error = {_text(attempt.error.removeprefix(f'step {attempt.step}: '))}")
    if (keep_result or attempt.outcome is Outcome.REUSED) and attempt.result is not None:
        lines.append(f"result = {_json(attempt.result)}")
    for exchange in attempt.exchanges:
        if exchange.request_body != UNSEEN_BODY:
            lines += _request(exchange)
    return lines


def _request(exchange: Exchange) -> list[str]:
    lines = ["", "[[steps.requests]]", f"method = {_text(exchange.method)}", f"url = {_text(exchange.url)}"]
    if headers := _kept(exchange.request_headers, UNTOLD):
        lines.append(f"headers = {_inline(headers)}")
    if exchange.request_body:
        lines.append(f"body = {_text(exchange.request_body)}")
    return [*lines, "", "[steps.requests.answer]", *_answer(exchange)]


def _answer(exchange: Exchange) -> list[str]:
    if exchange.status is None:
        return [f"error = {_text(exchange.error or 'no answer')}"]
    lines = [f"status = {exchange.status}"]
    if headers := _kept(exchange.response_headers, _UNHEARD):
        lines.append(f"headers = {_inline(headers)}")
    return [*lines, f"body = {_text(exchange.response_body)}"]


def _kept(headers: Sequence[tuple[str, str]], left_out: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in left_out}


def _inline(values: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{_key(name)} = {_text(value)}' for name, value in values.items())}}}"


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else _quoted(name)


def _json(value: JsonValue) -> str:
    compact = json.dumps(value, ensure_ascii=False)
    return _text(compact if len(compact) > _LONGEST_LAID_OUT else _laid_out(value, _GROWTH * len(compact)) or compact)


def _laid_out(value: JsonValue, longest: int) -> str | None:
    """Write JSON in lines, unless it nests so deeply that they are mostly indentation, or cannot be read back."""
    try:
        text = to_json(value, indent=2).decode()
    except ValueError:  # it may have half a character in it
        return None
    return text if len(text) <= longest else None


def _text(text: str) -> str:
    """Write a text in the form that is read most easily."""
    text = text.encode("utf-8", "replace").decode()  # an event may have half a character in it
    plain = "'" not in text and text.replace("\n", "").isprintable()
    if plain and "\n" in text:
        return f"'''\n{text}'''"
    return f"'{text}'" if plain and ('"' in text or "\\" in text) else _quoted(text)


def _quoted(text: str) -> str:
    return toml_value(text)
