"""The webhook addresses of pipelines: derived from the server's key, so that no file of the project holds a secret."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

KEY_FILE: Final = "server.key"
HOOKS_PATH: Final = "/hooks"


class Addresses:
    """Makes the token in a pipeline's webhook address out of the server's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def load(cls, var: Path) -> Addresses:
        """Read the server's key; the first time, make one."""
        return cls(read_or_make_secret(var / KEY_FILE).encode())

    def token(self, pipeline: str, address_version: int) -> str:
        """Return the token: HMAC-SHA256 of pipeline and version, its first 128 bits in hex."""
        message = f"hook:{pipeline}:{address_version}".encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:32]

    def path(self, pipeline: str, address_version: int) -> str:
        """Return the path of a pipeline's webhook."""
        return f"{HOOKS_PATH}/{pipeline}/{self.token(pipeline, address_version)}"


def read_or_make_secret(path: Path) -> str:
    """Return the secret in a file; where there is no file, make one that only its owner may read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_hex(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_or_make_secret(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret + "\n")
    return secret
