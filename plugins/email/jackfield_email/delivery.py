"""The delivery of a mail to a server, and what kind of failure it is if it does not succeed."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn, cast

import aiosmtplib

from jackfield import ActionContext, DestinationRefused, PermanentFailure, TemporaryFailure
from jackfield_email.connection import ConnectionOptions
from jackfield_email.message import Mail

_PERMANENT: Final = range(500, 600)
_LONGEST_LINE: Final = 500
_GOODBYE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a server said: who gets the mail, and who does not and why."""

    accepted: tuple[str, ...]
    refused: Mapping[str, str]


async def deliver(mail: Mail, options: ConnectionOptions, context: ActionContext) -> Receipt:
    """Hand a mail to the server. It has succeeded if the server takes it for at least one recipient.

    The connection is the host's, so that its address guard looks at it.

    Raises `TemporaryFailure` and `PermanentFailure`, as the README's table says.
    """
    trust = await _trust(options, context)
    client = _client(options, await _connected(options, context), trust)
    recipients = mail.recipients
    try:
        await client.connect()
        refused, _ = await client.sendmail(options.sender.mailbox, recipients, mail.encode())
        with suppress(aiosmtplib.SMTPException, OSError):  # the mail is taken: a failure now would send it twice
            await client.quit(timeout=_GOODBYE)
    except (aiosmtplib.SMTPException, OSError) as error:
        _fail(error, options)
    finally:
        _hang_up(client)
    said = {mailbox: _said(answer.code, answer.message, options) for mailbox, answer in refused.items()}
    return Receipt(tuple(mailbox for mailbox in recipients if mailbox not in said), said)


async def _trust(options: ConnectionOptions, context: ActionContext) -> ssl.SSLContext | None:
    try:
        return None if options.encryption == "none" else await asyncio.to_thread(options.trust, context.file)
    except (OSError, ValueError) as error:
        raise PermanentFailure(f"ca can be used neither as a PEM file nor as PEM text: {_in_words(error)}") from error


async def _connected(options: ConnectionOptions, context: ActionContext) -> socket.socket:
    try:
        async with asyncio.timeout(options.wait.total_seconds()):
            return await context.connect(options.server.host, options.port)
    except DestinationRefused as error:
        raise PermanentFailure(str(error)) from error
    except TimeoutError as error:
        _fail(error, options)
    except OSError as error:
        raise _unreachable(options, error) from error


def _client(options: ConnectionOptions, connection: socket.socket, trust: ssl.SSLContext | None) -> aiosmtplib.SMTP:
    encryption = options.encryption
    return aiosmtplib.SMTP(
        hostname=options.server.host,
        sock=connection,
        username=options.server.user or None,
        password=options.password.get_secret_value() if options.password else None,
        timeout=options.wait.total_seconds(),
        use_tls=encryption == "tls",
        start_tls=encryption == "starttls",
        tls_context=trust,
    )


def _hang_up(client: aiosmtplib.SMTP) -> None:
    """Close the connection at once: TLS would wait for the server to agree, which may have stopped to answer."""
    transport = cast("asyncio.Transport | None", client.transport)
    client.close()
    if transport is not None:
        transport.abort()


def _fail(error: Exception, options: ConnectionOptions) -> NoReturn:
    """Raise what an error of the client is to the host: words for people, and whether to try again."""
    place = options.place
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            said = "; ".join(f"{one.recipient}: {_said(one.code, one.message, options)}" for one in error.recipients)
            _raise([one.code for one in error.recipients], f"{place} refused every recipient: {said}", error)
        case aiosmtplib.SMTPAuthenticationError():
            said = _said(error.code, error.message, options)
            _raise([error.code], f"{place} refused the login, check user and password: {said}", error)
        case aiosmtplib.SMTPSenderRefused():
            said = _said(error.code, error.message, options)
            _raise([error.code], f"{place} refused the sender {error.sender}: {said}", error)
        case aiosmtplib.SMTPResponseException():
            _raise([error.code], f"{place} answered {_said(error.code, error.message, options)}", error)
    if tls := next((one for one in _causes(error) if isinstance(one, ssl.SSLError)), None):
        raise TemporaryFailure(_tls_words(tls, place)) from error
    if isinstance(error, TimeoutError):
        raise TemporaryFailure(f"{place} did not answer within {options.wait.total_seconds():g} s") from error
    if isinstance(error, aiosmtplib.SMTPConnectError):
        raise _unreachable(options, error) from error
    if isinstance(error, OSError):
        raise TemporaryFailure(f"{place} closed the connection before it had taken the mail") from error
    raise PermanentFailure(f"{place} does not do what the options ask of it: {error}") from error


def _unreachable(options: ConnectionOptions, error: Exception) -> TemporaryFailure:
    reason = _in_words(next((one for one in _causes(error) if isinstance(one, OSError)), error))
    return TemporaryFailure(f"{options.place} cannot be reached, check server and its port: {reason}")


def _raise(codes: list[int], reason: str, error: Exception) -> NoReturn:
    """Raise a failure of the kind that the server's answers are; one that may change makes it temporary."""
    kind = PermanentFailure if all(code in _PERMANENT for code in codes) else TemporaryFailure
    raise kind(reason) from error


def _said(code: int, text: str, options: ConnectionOptions) -> str:
    """Return an answer as one line, without what might repeat the password, and never cut: half a secret would stay."""
    secret = options.password.get_secret_value() if options.password else ""
    line = " ".join(text.split())
    if len(line) > _LONGEST_LINE or (secret and (secret in text or secret in line)):
        return str(code)
    return f"{code} {line}" if line else str(code)


def _in_words(error: Exception) -> str:
    """Say what the system has against a file or a connection, without its numbers and addresses."""
    match error:
        case aiosmtplib.SMTPServerDisconnected():
            return "it hung up before it said anything"
        case ssl.SSLError():
            return "there is no certificate in it"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(errno=None):
            return "none of its addresses takes the connection"  # asyncio has tried several
        case OSError(strerror=str(words)):
            return words
    return str(error)


def _tls_words(error: ssl.SSLError, place: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {place} cannot be trusted ({error.verify_message}); ca names an authority of your own"
        )
    return f"TLS with {place} failed ({error.reason}); smtps:// is for TLS from the start, smtp:// for STARTTLS"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
