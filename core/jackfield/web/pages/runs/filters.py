"""Which runs somebody wants to see, as the address and the form of the journal say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final, Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jackfield.journal.records import State
from jackfield.journal.views import Query

_LONGEST_TEXT: Final = 500


class Parameters(Protocol):
    """What was filled in, wherever it comes from: a query string or a form."""

    def getlist(self, key: str, /) -> Sequence[object]:
        """Return all values of this name."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Times are as they were filled in, in the browser's `zone` if it has said one, else in UTC."""

    pipeline: str = ""
    states: frozenset[State] = frozenset()
    since: str = ""
    until: str = ""
    zone: str = ""
    text: str = ""
    repaired: bool = False
    """Whether failed runs that do not stand any more are wanted, too, where only some states are."""
    wrong: frozenset[str] = field(default=frozenset())
    """The fields that cannot be read; they are not heeded."""

    @classmethod
    def read(cls, parameters: Parameters) -> RunFilter:
        """Read what was filled in; nothing that stands there can make this fail."""

        def said(name: str) -> str:
            return next((str(value).strip() for value in parameters.getlist(name)), "")

        given, known = {str(value) for value in parameters.getlist("state")}, {state.value for state in State}
        zone = said("zone")
        wrong = {name for name in ("since", "until") if said(name) and _moment(said(name), zone) is None}
        return cls(
            pipeline=said("pipeline"),
            states=frozenset(State(value) for value in given & known),
            since=said("since"),
            until=said("until"),
            zone=zone if _zone(zone) else "",
            text=said("text")[:_LONGEST_TEXT],
            repaired=bool(said("repaired")),
            wrong=frozenset(wrong),
        )

    def query(self, cursor: str | None = None, limit: int = 50) -> Query:
        """Ask the journal for this."""
        since, until = _moment(self.since, self.zone), _moment(self.until, self.zone)
        text, repaired = self.text or None, self.repaired or not self.states
        return Query(self.pipeline or None, self.states, since, until, text, cursor, limit, repaired=repaired)

    def pairs(self) -> list[tuple[str, str]]:
        """Return what `read()` reads."""
        fields: Mapping[str, str] = {
            "pipeline": self.pipeline,
            "since": self.since,
            "until": self.until,
            "zone": self.zone if self.since or self.until else "",
            "text": self.text,
            "repaired": "1" if self.repaired else "",
        }
        said = [(name, value) for name, value in fields.items() if value]
        return [*said, *(("state", state.value) for state in State if state in self.states)]

    def address(self, **more: str) -> str:
        """Write the address of the list."""
        query = urlencode([*self.pairs(), *more.items()])
        return f"/runs?{query}" if query else "/runs"


def _moment(text: str, zone: str) -> datetime | None:
    """Read a moment as `<input type="datetime-local">` writes it."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone) or UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):
        return None
