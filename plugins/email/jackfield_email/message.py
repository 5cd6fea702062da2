"""A mail: what its headers and parts are, in a form that nothing in the values can break out of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from jackfield_email.address import Address

_BLANK: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ]{0,58}[A-Za-z0-9])?")
_WIRE: Final = policy.compat32.clone(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `key` is what its Message-ID is made from: the same key, the same id. At least one part has text."""

    sender: Address
    to: Sequence[Address]
    subject: str
    key: str
    text: str | None = None
    html: str | None = None
    cc: Sequence[Address] = ()
    bcc: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    at: datetime | None = None
    automatic: bool = False

    @property
    def id(self) -> str:
        """Return the Message-ID."""
        return f"<{sha256(self.key.encode()).hexdigest()[:32]}@{self.sender.domain}>"

    @property
    def recipients(self) -> list[str]:
        """Return the mailboxes that it goes to, each once."""
        return list(dict.fromkeys(address.mailbox for address in (*self.to, *self.cc, *self.bcc)))

    def encode(self) -> bytes:
        """Return the message as it goes to the server. It does not name those in `bcc`."""
        message = self._body()
        message["From"] = _addresses([self.sender])
        message["To"] = _addresses(self.to)
        if self.cc:
            message["Cc"] = _addresses(self.cc)
        if self.reply_to:
            message["Reply-To"] = _addresses(self.reply_to)
        message["Subject"] = _words(self.subject, "Subject")
        message["Date"] = format_datetime(self.at or datetime.now(UTC))
        message["Message-ID"] = self.id
        if self.automatic:
            message["Auto-Submitted"] = "auto-generated"
        return message.as_bytes(policy=_WIRE)

    def _body(self) -> Message:
        given = [(self.text, "plain"), (self.html, "html")]
        parts = [MIMEText(_LINE_END.sub("\r\n", text), kind, "utf-8") for text, kind in given if text is not None]
        return parts[0] if len(parts) == 1 else MIMEMultipart("alternative", _subparts=parts)


def _addresses(addresses: Sequence[Address]) -> str:
    return ",\n ".join(_address(address) for address in addresses)


def _address(address: Address) -> str:
    name = _words(address.name, "Reply-To")
    return f"{name} <{address.mailbox}>" if name else address.mailbox


def _words(text: str, header: str) -> str:
    """Write words as RFC 2047 has them, unless they are the plainest of words; line breaks become spaces."""
    line = _BLANK.sub(" ", text).strip()
    if not line or _PLAIN.fullmatch(line):
        return line
    return Header(line, "utf-8", header_name=header).encode()
