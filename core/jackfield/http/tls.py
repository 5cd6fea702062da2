"""TLS with files of a step's own: authorities to trust in place of the usual ones, and the client's certificate."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final

import httpx

from jackfield.components.project_file import project_file
from jackfield.components.values import Route

_MOST: Final = 16


@lru_cache(maxsize=1)
def usual_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Make the context that trusts whom httpx trusts, once, for that is slow. Nothing may be changed in it.

    It is another one where `SSL_CERT_FILE` or `SSL_CERT_DIR` says something else; httpx itself reads them.
    """
    del cert_file, cert_dir
    return httpx.create_ssl_context()


class TlsContexts:
    """Contexts for the routes that name files, which are relative to `folder` and lie in it.

    Each is made once, in a thread, for files are read; the 16 that were used last are kept. A file that changes is read
    again only when its context is no longer among these.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str, str], ssl.SSLContext] = {}
        self._making = asyncio.Lock()

    async def get(self, route: Route) -> ssl.SSLContext:
        """Return the context of a route. Raises ValueError, which names the file that cannot be used."""
        files = (route.ca, route.cert, route.key)
        if files not in self._made:
            async with self._making:
                if files not in self._made:
                    self._made[files] = await asyncio.to_thread(self._make, route)
        context = self._made[files] = self._made.pop(files)
        while len(self._made) > _MOST:
            del self._made[next(iter(self._made))]
        return context

    def _make(self, route: Route) -> ssl.SSLContext:
        context = self._trusting(route.ca) if route.ca else httpx.create_ssl_context()
        if route.cert:
            self._identify(context, route.cert, route.key)
        return context

    def _trusting(self, ca: str) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=project_file(self._folder, ca))
        except (OSError, ValueError) as error:
            raise ValueError(f"the certificates to trust, {ca}, cannot be read: {_reason(error)}") from None

    def _identify(self, context: ssl.SSLContext, cert: str, key: str) -> None:
        try:
            files = [project_file(self._folder, name) if name else None for name in (cert, key)]
            context.load_cert_chain(files[0], files[1], password=_no_password)  # type: ignore[arg-type]  # there is one
        except (OSError, ValueError) as error:
            what = f"{cert} with the key {key}" if key else cert
            raise ValueError(f"the client certificate {what} cannot be used: {_reason(error)}") from None


def _no_password() -> str:
    """Keep OpenSSL from asking for one at the terminal."""
    raise ValueError("the key is encrypted; save it without a password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is not in PEM format"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
