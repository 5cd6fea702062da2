"""The values that sources and actions are given and give back. Frozen, free of any framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]
Text: TypeAlias = str | Mapping[str, str]
"""Words for people: one string, or one for each language (`{"en": ..., "ru": ...}`)."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request as it came in: nothing decoded, nothing lost.

    `query` is the raw query string without the question mark; names in `headers` are lower-case, repeats and
    order are kept; `body` is complete and within the host's limit.
    """

    method: str = "POST"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name; None where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    def parameters(self) -> list[tuple[str, str]]:
        """Return the decoded query: pairs in their order, repeats and empty values kept."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """What the sender is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What a source read out of one request.

    `blank` names the top-level keys of `data` whose value is there but says "nothing" (an empty form field): it
    stays as it came, and `default(...)` treats it as absent. `warnings` are shown with the run: something looks
    wrong but the event can be used. `key` is the sender's own id of this delivery: where the pipeline sets no
    `dedupe`, an event whose key was seen before is a duplicate.
    """

    data: JsonObject
    blank: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class EventField:
    """One value that a source's events contain.

    `placeholder` is what the sender replaces by the value (`{object.email}`), empty where the sender needs none;
    `example` is a value as it would arrive.
    """

    name: str
    title: Text
    example: JsonValue = ""
    placeholder: str = ""


def _conceal_nothing(_: str) -> None:
    """Stand in for the host where there is none: nothing is recorded that could be masked."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step that an action carries out, as the action sees it.

    `idempotency_key` is the same for every attempt of this step and for every replay of the run with the same
    event: send it along, and a destination that knows the idea does the work once. `attempt` counts from 1.
    """

    run: str
    pipeline: str
    name: str
    attempt: int
    idempotency_key: str
    conceal: Callable[[str], None] = field(default=_conceal_nothing, repr=False, compare=False)
    """Call it with a secret that the host cannot know, such as a token that the action has just been given.

    From then on the value is masked wherever the host writes something down of this attempt and of the steps that
    follow: in exchanges (earlier ones of the attempt included), results, errors and log lines. It is forgotten when the
    run ends or waits, so an action that keeps the value from one `run()` to the next conceals it in each.
    """


@dataclass(frozen=True, slots=True)
class Route:
    """How a request gets to its destination, where that is not the usual way: its extension `route`.

    `proxy` is the URL of a proxy, http or https, without user and password; these are `login`. `ca` is a file of
    certificates to trust in place of the usual ones, `cert` one with the client's own certificate and `key` one with
    the key of that, if it is not in the same file: all PEM, and relative to the project folder. They count for a proxy
    that is talked to over TLS as well. Raises ValueError for a proxy that is none.
    """

    proxy: str = ""
    login: tuple[str, str] | None = field(default=None, repr=False)
    ca: str = ""
    cert: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        """See that the proxy is one."""
        parts = urlsplit(self.proxy)
        if self.proxy and (parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc):
            raise ValueError("a proxy must begin with http:// or https:// and a host, and have no user and password")


class NoticeKind(StrEnum):
    """What a notice tells the operator."""

    FAILED = "failed"
    """Runs of a pipeline have failed for good."""
    BLOCKED = "blocked"
    """A pipeline cannot run: its file or a plugin is at fault."""
    PAUSED = "paused"
    """A destination kept failing, and the pipeline was put on hold."""
    SILENT = "silent"
    """Nothing has come in for as long as `silent_after` says."""
    JOURNAL = "journal"
    """The journal is nearly full."""
    DAMAGED = "damaged"
    """The journal is damaged, or its files were taken away."""
    RECOVERED = "recovered"
    """What an earlier notice told about is over."""
    TEST = "test"
    """The operator tries out whether notices arrive."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the operator is told: one for all that happened of a kind within a window, not one for each event.

    `subject` is one line and `text` some lines of plain text, both in the operator's language and with secrets
    masked. `count` is how often it happened since the last notice of its kind; `link` leads to the first example.
    `pipeline` is None where it concerns the whole host.
    """

    kind: NoticeKind
    subject: str
    text: str
    at: datetime
    pipeline: str | None = None
    count: int = 1
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request that a step sent and what came back: secrets masked, bodies cut to the journal's cap.

    `status` is None and `error` says why where no answer came; with a `status`, `error` is what was wrong with the
    answer, whether or not it could be used. `elapsed_ms` ends when the answer's body was read.
    """

    method: str
    url: str
    request_headers: Sequence[tuple[str, str]]
    request_body: str
    status: int | None
    response_headers: Sequence[tuple[str, str]]
    response_body: str
    elapsed_ms: float
    error: str | None = None
