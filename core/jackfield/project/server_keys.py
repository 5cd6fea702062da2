"""The webhook addresses of pipelines: derived from the server's key, so that no file of the project holds a secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import Final

from jackfield.errors import ConfigurationError
from jackfield.problems import Problem
from jackfield.project.files import make_file

KEY_FILE: Final = "server.key"
HOOKS_PATH: Final = "/hooks"
_SECRET: Final = re.compile("[0-9a-f]{64}")


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
    """Return the secret in a file; where there is no file, make one that only its owner may read.

    Raises `ConfigurationError` if what is in the file is no secret: an empty one would let everybody in.
    """
    if not path.exists():
        _make_secret(path)
    secret = path.read_text(encoding="ascii", errors="replace").strip()
    if not _SECRET.fullmatch(secret):
        message = "is damaged; put its copy back, or delete it: then all addresses or tokens made with it change"
        raise ConfigurationError([Problem(f"{path.parent.name}/{path.name}", 0, "", message)])
    return secret


def _make_secret(path: Path) -> None:
    """Make the file whole or not at all, also if the machine stops meanwhile; the first of two processes wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_file(path, f"{secrets.token_hex(32)}\n".encode())
