"""What a plugin's classes are: sources read events, actions do one thing for an event, notifiers tell the operator.

A component is named by `use` in a pipeline's file; the rest of that table is its options, validated against its
`Options` model before the component ever sees them.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, TypeAlias

import httpx
from pydantic import JsonValue
from pydantic_core import to_json
from structlog.typing import FilteringBoundLogger

from jackfield.components.options import OptionsModel, OptionsT
from jackfield.components.project_file import project_file
from jackfield.components.values import Event, EventField, Notice, Step, Text, WebhookReply, WebhookRequest


class Source(ABC, Generic[OptionsT]):
    """What every source has. Plugins subclass `WebhookSource`.

    One instance serves one pipeline for as long as that pipeline's definition stands. Methods are called on the
    event loop for every request: they read bytes in memory and do no input or output.
    """

    name: ClassVar[str]
    title: ClassVar[Text]
    description: ClassVar[Text] = ""
    """What it does, in a sentence for who chooses among many; empty: its title has to do."""
    Options: ClassVar[type[OptionsModel]]
    fields: ClassVar[Sequence[EventField]] = ()
    instructions: ClassVar[Sequence[Text]] = ()
    """How to set the sender up: one sentence a step."""
    identified_by: ClassVar[Sequence[str]] = ()
    """Names of the values by which people know its events, such as `email` and `first_name`.

    Where a pipeline has no `label`, its runs are called by those of them that are filled in. Empty: the host guesses.
    """

    def __init__(self, options: OptionsT) -> None:
        self.options = options


class WebhookSource(Source[OptionsT]):
    """A source that is called: a request comes in and is read into events."""

    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    """Request methods that are accepted; others are answered 405."""

    @abstractmethod
    def verify(self, request: WebhookRequest) -> None:
        """Return if the request comes from the sender, raise `Unauthorized` if not.

        Called once for every request, before `parse()`. Abstract on purpose: a source that has nothing to check
        says so in one line. Compare secrets with `hmac.compare_digest`.
        """

    @abstractmethod
    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        """Read the request into events, none or many. Raise `Malformed` if it cannot be read."""

    def confidential(self) -> frozenset[str]:
        """Name the headers and query parameters (in lower case) whose values must never be stored."""
        return frozenset()

    def address(self, url: str) -> str:
        """Return the address to paste at the sender, made from the pipeline's webhook URL."""
        return url

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        """Return a request as the sender would make it for these values, with its credentials.

        `jackfield send` calls it, with the fields' examples where the operator gives no values.
        """
        headers = (("content-type", "application/json"),)
        return WebhookRequest(method="POST", headers=headers, body=to_json(dict(values)))

    def reply(self, request: WebhookRequest, runs: Sequence[str]) -> WebhookReply:  # noqa: ARG002
        """Answer a request whose events are in the journal as `runs` (ids). Called only after that is durable."""
        return WebhookReply(body=b'{"accepted":%d}' % len(runs), content_type="application/json")

    def reply_headers(self, request: WebhookRequest) -> Sequence[tuple[str, str]]:  # noqa: ARG002
        """Name headers for the answer to this request, whatever the answer is: what a browser needs (CORS).

        Called once for every request with the right address. Where there are any, the host answers OPTIONS by
        itself, with 204 and these headers, unless `methods` has it.
        """
        return ()


Connect: TypeAlias = Callable[[str, int], Awaitable[socket.socket]]


async def _nothing_lent(host: str, port: int) -> socket.socket:
    raise RuntimeError(f"no connection to {host}:{port} is lent here: the step is only tried")


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What the host lends to an action or a notifier, for as long as it lives.

    `http` is shared with all others: pooled, guarded, and, in an action, recorded in the journal by the host. Pass
    credentials with each request; set nothing on the client itself. `log` carries the pipeline and the step.
    """

    http: httpx.AsyncClient
    log: FilteringBoundLogger
    connect: Connect = _nothing_lent
    """Open a connection to a host and a port, for what is not HTTP: `await context.connect("mx.example.ru", 25)`.

    The result is a connected socket that does not block, and is the caller's to close. The address guard is asked for
    each address that the host has. Raises `DestinationRefused` where it says no, and OSError. Nothing limits the time.
    """
    folder: Path = Path()

    def file(self, name: str) -> Path:
        """Return the path of a file of the project that an option names; see `ProjectFile`.

        Raises ValueError if it leads out of the project folder.
        """
        return project_file(self.folder, name)


class Action(ABC, Generic[OptionsT]):
    """Does one thing for an event.

    One instance serves one step for as long as the pipeline's definition stands; `run()` is called many times
    and concurrently.
    """

    name: ClassVar[str]
    title: ClassVar[Text]
    description: ClassVar[Text] = ""
    Options: ClassVar[type[OptionsModel]]
    http_only: ClassVar[bool] = False
    """Whether `run()` changes nothing anywhere but by requests that it sends with `context.http`.

    Say True if so. Then the host can try the step without effect: it lends a client that sends nothing, shows what
    would be sent, and answers with what it is given. Otherwise only the rendered options are shown.
    """

    def __init__(self, context: ActionContext) -> None:
        self.context = context

    @abstractmethod
    async def run(self, options: OptionsT, step: Step) -> JsonValue:
        """Do the work; what is returned is what later steps see as `$.steps.<name>`.

        Called once for each attempt, with options that are rendered and valid, and cancelled when the step's
        `timeout` is over. The same step of a run may be attempted again after success, if the host died before
        it could write the success down. Raise `TemporaryFailure` to be tried again later, `PermanentFailure` to
        give up, `Skip` to end the run without an error; anything else is a fault of this class and fails the run.
        """

    async def close(self) -> None:
        """Give back what the instance holds. Called once, after its last `run()` has ended."""


class Notifier(ABC, Generic[OptionsT]):
    """Tells the operator what happened, by one way: e-mail, a chat.

    Named by a table of `[notices]` in `jackfield.toml`, which holds its options. One instance serves the host for as
    long as it runs.
    """

    name: ClassVar[str]
    title: ClassVar[Text]
    description: ClassVar[Text] = ""
    Options: ClassVar[type[OptionsModel]]

    def __init__(self, options: OptionsT, context: ActionContext) -> None:
        self.options = options
        self.context = context

    @abstractmethod
    async def notify(self, notice: Notice) -> None:
        """Deliver a notice. Called for one notice at a time, and cancelled after 60 seconds.

        Raise `TemporaryFailure` to be called again with it later, `PermanentFailure` if it can never be delivered;
        anything else counts as temporary. The host shows the last failure until a notice gets through.
        """

    async def close(self) -> None:
        """Give back what the instance holds. Called once, when the host ends."""
