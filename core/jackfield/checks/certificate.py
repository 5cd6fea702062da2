"""Until when the certificate of the host's public address is valid: looked at now and then, beside everything else."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx

from jackfield.clock import utc_now

_EVERY: Final = timedelta(hours=1)
_LIMIT: Final = 10.0


@dataclass(frozen=True, slots=True)
class CertificateState:
    """What was found at the last look: until when it is valid, or why that cannot be said.

    With an `error`, `reached` tells whether there was a server whose certificate is at fault.
    """

    checked_at: datetime
    valid_until: datetime | None = None
    error: str | None = None
    reached: bool = True


class PublicCertificate:
    """Looks at the certificate behind a URL, by connecting and sending nothing. `trusted` is what vouches for it."""

    def __init__(self, trusted: ssl.SSLContext | None = None) -> None:
        self._trusted = trusted
        self._url = ""
        self._task: asyncio.Task[None] | None = None
        self.state: CertificateState | None = None

    def known(self, url: str | None) -> CertificateState | None:
        """Return what is known by now, at once; None if nothing is, or the address has no TLS.

        If that is older than an hour, a look begins in the background.
        """
        if url is None or not url.startswith("https://"):
            return None
        if url != self._url:
            self._url, self.state = url, None
        due = self.state is None or utc_now() - self.state.checked_at > _EVERY
        if due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self.look(url))
        return self.state

    async def look(self, url: str) -> None:
        """Look now. Raises nothing."""
        now = utc_now()
        try:
            async with asyncio.timeout(_LIMIT):
                self.state = CertificateState(now, await _valid_until(url, self._trusted))
        except ssl.SSLCertVerificationError as error:
            self.state = CertificateState(now, error=error.verify_message)
        except ssl.SSLError as error:
            self.state = CertificateState(now, error=error.reason or "TLS failed")
        except TimeoutError:
            self.state = CertificateState(now, error=f"no answer within {_LIMIT:g} s", reached=False)
        except OSError as error:
            number = error.errno or 0
            reason = os.strerror(number) if number > 0 else str(error)
            self.state = CertificateState(now, error=reason, reached=False)
        except ValueError as error:  # no usable host or port
            self.state = CertificateState(now, error=str(error), reached=False)


async def _valid_until(url: str, trusted: ssl.SSLContext | None) -> datetime:
    parts = urlsplit(url)
    context = trusted or await asyncio.to_thread(httpx.create_ssl_context)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context)
    try:
        certificate = writer.get_extra_info("peercert")
    finally:
        writer.transport.abort()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
