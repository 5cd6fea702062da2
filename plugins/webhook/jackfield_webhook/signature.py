"""Signatures: what is signed, with which keys, and where the signature stands in a request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from jackfield import Unauthorized, WebhookRequest
from jackfield_webhook.content import octets

Algorithm: TypeAlias = Literal["sha1", "sha256", "sha512"]
Encoding: TypeAlias = Literal["hex", "base64"]
Layout: TypeAlias = Literal["plain", "stripe", "standard"]
PIECE: Final = re.compile(r"\{(\w+)\}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_PUBLIC: Final = "whpk_"
_MOST_SHOWN: Final = 16  # senders show one for each secret that is in use; each may cost a look at the whole body


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to sign requests.

    `signed` is what is signed, with `{body}`, `{timestamp}` and `{id}` in it. `layout` is how the header is written:
    the signature after `prefix`, or as Stripe or as Standard Webhooks do it.
    """

    header: str
    signed: str = "{body}"
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    id_header: str = ""
    layout: Layout = "plain"

    @property
    def timed(self) -> bool:
        """Tell whether the moment of signing is signed as well."""
        return "{timestamp}" in self.signed


@dataclass(frozen=True, slots=True)
class HmacKey:
    """A shared secret."""

    secret: bytes
    algorithm: Algorithm
    encoding: Encoding
    version: str = "v1"

    def matches(self, message: bytes, shown: Sequence[str]) -> bool:
        """Tell whether one of the signatures is right; hexadecimal digits count in both cases."""
        expected = self.sign(message).encode()
        return any(
            hmac.compare_digest(expected, octets(one.lower() if self.encoding == "hex" else one)) for one in shown
        )

    def sign(self, message: bytes) -> str:
        """Return the HMAC of the message."""
        digest = hmac.new(self.secret, message, getattr(hashlib, self.algorithm)).digest()
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The sender's public key of Standard Webhooks v1a."""

    key: Ed25519PublicKey
    version: str = "v1a"

    def matches(self, message: bytes, shown: Sequence[str]) -> bool:
        """Tell whether one of the ed25519 signatures is right."""
        return any(self._matches(message, one) for one in shown)

    def _matches(self, message: bytes, shown: str) -> bool:
        try:
            self.key.verify(base64.b64decode(octets(shown), validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def sign(self, message: bytes) -> None:
        """Sign nothing: only the sender has the private key."""


Key: TypeAlias = HmacKey | PublicKey


def read_key(scheme: Scheme, secret: str) -> Key:
    """Make a key of a secret as the sender shows it. Raises ValueError, which does not hold the secret."""
    if scheme.layout != "standard":
        return HmacKey(secret.encode(), scheme.algorithm, scheme.encoding)
    public = secret.startswith(_PUBLIC)
    encoded = secret.removeprefix(_PUBLIC).removeprefix("whsec_").rstrip("=")
    try:
        octets_ = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        if not octets_:
            raise ValueError  # noqa: TRY301 - the sentence is below
        return (
            PublicKey(Ed25519PublicKey.from_public_bytes(octets_)) if public else HmacKey(octets_, "sha256", "base64")
        )
    except (ValueError, binascii.Error):
        raise ValueError(
            "is not a secret of Standard Webhooks: copy it again; it begins with whsec_ (or whpk_), and base64 follows"
        ) from None


class Signature:
    """Checks the signatures of a pipeline's requests, and signs samples."""

    def __init__(self, scheme: Scheme, keys: Sequence[Key], tolerance: timedelta) -> None:
        self._scheme = scheme
        self._keys = keys
        self._tolerance = tolerance

    def verify(self, request: WebhookRequest) -> None:
        """Raise `Unauthorized` if no signature is right, or the request was signed too long ago."""
        header = request.header(self._scheme.header)
        if not header:
            raise Unauthorized(f"The call has no signature: there is no header {self._scheme.header}.")
        timestamp, shown = self._shown(request, header)
        if self._scheme.timed and not _SECONDS.fullmatch(timestamp):
            raise Unauthorized("The call does not say when it was signed, in seconds since 1970.")
        message = self._message(request, timestamp)
        of_version = {key.version: [one for version, one in shown if version == key.version] for key in self._keys}
        if not any(key.matches(message, of_version[key.version][:_MOST_SHOWN]) for key in self._keys):
            raise Unauthorized(
                f"The signature in the header {self._scheme.header} does not fit the body; check that the pipeline has "
                "the sender's current secret."
            )
        if self._scheme.timed:
            self._check_age(request.received_at, int(timestamp))

    def signed(self, request: WebhookRequest) -> WebhookRequest:
        """Return the request with a signature, as the sender would send it."""
        scheme = self._scheme
        timestamp = str(int(request.received_at.timestamp()))
        extra = [(scheme.timestamp_header.lower(), timestamp), (scheme.id_header.lower(), f"msg_{uuid4().hex}")]
        headers = (*request.headers, *(header for header in extra if header[0]))
        request = replace(request, headers=headers)
        signature = self._keys[0].sign(self._message(request, timestamp))
        if signature is None:
            return request
        written = {
            "plain": f"{scheme.prefix}{signature}",
            "stripe": f"t={timestamp},v1={signature}",
            "standard": f"v1,{signature}",
        }
        return replace(request, headers=(*headers, (scheme.header.lower(), written[scheme.layout])))

    def _shown(self, request: WebhookRequest, header: str) -> tuple[str, list[tuple[str, str]]]:
        """Return the timestamp, empty if there is none, and the signatures with their versions."""
        scheme = self._scheme
        if scheme.layout == "stripe":
            items = [(name.strip(), value.strip()) for name, _, value in _partitions(header, ",", "=")]
            return next((value for name, value in items if name == "t"), ""), items
        timestamp = (request.header(scheme.timestamp_header) or "") if scheme.timestamp_header else ""
        if scheme.layout == "standard":
            return timestamp, [(version, value) for version, _, value in _partitions(header, " ", ",")]
        if not header.startswith(scheme.prefix):
            raise Unauthorized(f"The signature in the header {scheme.header} does not begin with {scheme.prefix!r}.")
        return timestamp, [("v1", header.removeprefix(scheme.prefix).strip())]

    def _message(self, request: WebhookRequest, timestamp: str) -> bytes:
        scheme = self._scheme
        id = (request.header(scheme.id_header) or "") if scheme.id_header else ""
        pieces = {"body": request.body, "timestamp": octets(timestamp), "id": octets(id)}
        texts = PIECE.split(scheme.signed)
        return b"".join(pieces[text] if place % 2 else text.encode() for place, text in enumerate(texts))

    def _check_age(self, received_at: datetime, timestamp: int) -> None:
        age = received_at.astimezone(UTC).timestamp() - timestamp
        if abs(age) <= self._tolerance.total_seconds():
            return
        allowed = _clock(self._tolerance.total_seconds())
        if age < 0:
            raise Unauthorized(
                f"The call was signed {_clock(-age)} in the future, and {allowed} are allowed; correct the clock of "
                "the sender or of this machine."
            )
        raise Unauthorized(
            f"The call was signed {_clock(age)} ago, and {allowed} are allowed; it may be a repeat by a stranger, or "
            "a clock is wrong."
        )


def _partitions(text: str, between: str, within: str) -> Iterator[tuple[str, str, str]]:
    return (item.partition(within) for item in text.split(between))


def _clock(seconds: float) -> str:
    """Write a time as hours, minutes and seconds: 49:05:00."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
