"""The outcome of a request: which answers are success, and what kind of failure the others are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from jackfield import PermanentFailure, TemporaryFailure
from jackfield_http_request.answers.answer import Answer

_PATTERN: Final = re.compile(r"[1-9*][0-9*]{2}|[1-9][0-9]{2}-[1-9][0-9]{2}")
_TEMPORARY: Final = frozenset({408, 425, 429, *range(500, 600)})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def read_patterns(value: object) -> tuple[str, ...]:
    """Read one status pattern or a list of them: "2**", "200-204", 404. Raises ValueError."""
    patterns = tuple(str(item) for item in (value if isinstance(value, list | tuple) else [value]))
    if not patterns:
        raise ValueError('no status would be a success; write ["2**"], or leave it out')
    for pattern in patterns:
        low, _, high = pattern.partition("-")
        if not _PATTERN.fullmatch(pattern) or (high and high < low):
            raise ValueError(f'{pattern!r} is not a status pattern; write "200", "2**" or "200-204"')
    return patterns


def read_ignored(value: object) -> tuple[str, ...]:
    """Read status patterns as `read_patterns` does, or none. Raises ValueError."""
    return () if value in ([], ()) else read_patterns(value)


def is_success(status: int, patterns: tuple[str, ...]) -> bool:
    """Tell whether a status fits one of the patterns."""
    text = str(status)
    return any(_fits(text, pattern) for pattern in patterns)


def is_redirect(answer: Answer) -> bool:
    """Tell whether an answer sends the client elsewhere."""
    return answer.status in _REDIRECTS and "location" in answer.headers


def failure(host: str, answer: Answer) -> TemporaryFailure | PermanentFailure:
    """Say why an answer that is no success is a failure, and of which kind."""
    said = answer.line()
    reason = f"{host} answered {answer.status}: {said}" if said else f"{host} answered {answer.status}"
    if answer.status in _TEMPORARY:
        return TemporaryFailure(reason, retry_after=answer.retry_after(datetime.now(UTC)))
    return PermanentFailure(reason)


def _fits(status: str, pattern: str) -> bool:
    low, _, high = pattern.partition("-")
    if high:
        return low <= status <= high
    return all(wanted in ("*", digit) for digit, wanted in zip(status, pattern, strict=True))
