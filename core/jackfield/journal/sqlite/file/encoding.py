"""Values as the file has them: moments as whole microseconds, structures as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from pydantic_core import from_json, to_json

from jackfield.components.values import Event, Exchange
from jackfield.journal.records import Attempt, Outcome, SetAside, StoredRequest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Row: TypeAlias = tuple[Any, ...]


def microseconds(moment: datetime) -> int:
    """Count the microseconds since 1970, without rounding."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Undo `microseconds`."""
    return _EPOCH + timedelta(microseconds=count)


def optional_moment(count: int | None) -> datetime | None:
    """Undo `microseconds`, where there may be none."""
    return None if count is None else moment(count)


def dump(value: object) -> str:
    """Write JSON. Lone surrogates, NaN and deep nesting survive: what came in is kept, however odd."""
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except ValueError:
        return json.dumps(value, default=asdict)


def load(text: str) -> Any:
    """Undo `dump`."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def plain(text: str | None) -> str | None:
    """Make a text fit for a column: a lone surrogate, which UTF-8 has not, is written out."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def payload_row(event: Event, request: str) -> Row:
    """Return the columns event, blank, request."""
    return dump(event.data), dump(sorted(event.blank)) if event.blank else None, request


def warnings_column(event: Event) -> str | None:
    """Return the column warnings."""
    return dump(event.warnings) if event.warnings else None


def read_event(event: str, blank: str | None, warnings: str | None) -> Event:
    """Put an event together again."""
    return Event(load(event), frozenset(load(blank) if blank else ()), read_texts(warnings))


def read_texts(column: str | None) -> tuple[str, ...]:
    """Read a list of texts, where there may be none."""
    return tuple(load(column)) if column else ()


def read_set_aside(column: str | None) -> SetAside | None:
    """Read that a run was set aside, if it was."""
    if column is None:
        return None
    fields = load(column)
    return SetAside(datetime.fromisoformat(fields["at"]), fields["by"], fields["note"])


def read_request(column: str) -> StoredRequest:
    """Put a request together again."""
    fields = load(column)
    return StoredRequest(**{**fields, "headers": _pairs(fields["headers"])})


ATTEMPT_COLUMNS: Final = (
    "place, step, number, started_at, elapsed_ms, outcome, error, traceback, result, masked, exchanges, version"
)


def attempt_row(attempt: Attempt) -> Row:
    """Return `ATTEMPT_COLUMNS`."""
    return (
        attempt.index,
        plain(attempt.step),
        attempt.number,
        microseconds(attempt.started_at),
        attempt.elapsed_ms,
        attempt.outcome.value,
        plain(attempt.error),
        plain(attempt.traceback),
        None if attempt.result is None else dump(attempt.result),
        attempt.masked,
        dump(attempt.exchanges) if attempt.exchanges else None,
        attempt.version,
    )


def read_attempt(row: Row) -> Attempt:
    """Undo `attempt_row`."""
    place, step, number, started_at, elapsed_ms, outcome, error, traceback, result, masked, exchanges, version = row
    return Attempt(
        index=place,
        step=step,
        number=number,
        started_at=moment(started_at),
        elapsed_ms=elapsed_ms,
        outcome=Outcome(outcome),
        error=error,
        traceback=traceback,
        result=None if result is None else load(result),
        masked=bool(masked),
        exchanges=tuple(_exchange(fields) for fields in load(exchanges)) if exchanges else (),
        version=version,
    )


def _exchange(fields: dict[str, Any]) -> Exchange:
    headers = {key: _pairs(fields[key]) for key in ("request_headers", "response_headers")}
    return Exchange(**{**fields, **headers})


def _pairs(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)
