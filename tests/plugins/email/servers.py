"""Mail servers for tests, each in a thread of its own: real ones, and some that behave badly."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "correct horse"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Mailbox:
    """Keeps what is delivered. `refuses` has the answer for some recipients, `data` one in place of taking a mail."""

    refuses: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None
    envelopes: list[Envelope] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        return [read(envelope) for envelope in self.envelopes]

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.data is not None:
            return self.data
        self.envelopes.append(envelope)
        return "250 taken"


def read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def knows_password(_: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=right)


@contextmanager
def mail_server(mailbox: Mailbox, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """Serve SMTP on a free port, which is given."""

    def protocol() -> asyncio.Protocol:
        server: asyncio.Protocol = SMTP(mailbox, hostname="test", loop=asyncio.get_running_loop(), **options)
        return server

    async def start() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=implicit_tls)

    with _serving(start) as port:
        yield port


@contextmanager
def bad_server(talk: Talk) -> Iterator[int]:
    """Serve whatever `talk` says, on a free port, which is given."""
    with _serving(lambda: asyncio.start_server(talk, "127.0.0.1", 0)) as port:
        yield port


@contextmanager
def _serving(start: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[int]:
    ports: list[int] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def main() -> None:
        server = await start()
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await ending.wait()
        server.close()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)


def certificate() -> tuple[str, ssl.SSLContext]:
    """Make an authority, as PEM text, and a server's side with a certificate of it for this machine."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return authority.cert_pem.bytes().decode(), context
