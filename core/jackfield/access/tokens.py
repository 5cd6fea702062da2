"""The API tokens that operators make on the pages, in `var/tokens.json`: hashed, so that the file opens no door."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from jackfield.access.json_file import VarFile
from jackfield.access.users import Role
from jackfield.clock import utc_now
from jackfield.errors import JackfieldError

TOKENS_FILE: Final = "tokens.json"
LONGEST_NAME: Final = 60
MOST_TOKENS: Final = 100
_PREFIX: Final = "jackfield_"
_COARSE: Final = timedelta(hours=1)


class InvalidTokenReason(StrEnum):
    """Why a token is not made."""

    NAME = "a token's name has 1 to 60 printable characters"
    TAKEN = "there is a token of this name already"
    PAST = "a token cannot have expired before it is made; name a later time"
    MANY = "there are 100 tokens already; revoke those that nobody uses"


class InvalidToken(JackfieldError):  # noqa: N818 - the word is what is refused
    """A token cannot be made so; `reason` says why."""

    def __init__(self, reason: InvalidTokenReason) -> None:
        super().__init__(reason.value)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; itself it is not kept. `last_used` may be an hour behind."""

    name: str
    role: Role
    sha256: str
    created: datetime
    last_used: datetime | None = None
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Tell whether it has expired."""
        return self.expires is not None and self.expires <= now


class Tokens:
    """The tokens of one project. Any method may raise `ConfigurationError`: the file is damaged."""

    def __init__(self, var: Path, now: Callable[[], datetime] = utc_now) -> None:
        self._file = VarFile(var / TOKENS_FILE, "tokens")
        self._now = now
        self._rows = TypeAdapter(list[Token])
        self._seen: tuple[object, tuple[Token, ...]] = (None, ())

    def all(self) -> list[Token]:
        """List the tokens, newest first."""
        return sorted(self._read(), key=lambda token: token.created, reverse=True)

    def make(self, name: str, role: Role, expires: datetime | None = None) -> str:
        """Make a token and return it: this once. It is worth nothing from `expires` on. Raises `InvalidToken`."""
        if expires is not None and expires <= self._now():
            raise InvalidToken(InvalidTokenReason.PAST)
        if not (1 <= len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
            raise InvalidToken(InvalidTokenReason.NAME)
        text = _PREFIX + secrets.token_urlsafe(32)
        with self._changing() as tokens:
            if name in (token.name for token in tokens):
                raise InvalidToken(InvalidTokenReason.TAKEN)
            if len(tokens) >= MOST_TOKENS:
                raise InvalidToken(InvalidTokenReason.MANY)
            tokens.append(Token(name, role, _digest(text.encode()), self._now(), expires=expires))
        return text

    def revoke(self, name: str) -> bool:
        """Make a token worthless; False if there is none of this name."""
        with self._changing() as tokens:
            left = [token for token in tokens if token.name != name]
            revoked = len(left) < len(tokens)
            tokens[:] = left
        return revoked

    def find(self, given: bytes) -> Token | None:
        """Find a token by its text. It takes as long whichever it is, and if it is none."""
        digest = _digest(given)
        found = [token for token in self._read() if hmac.compare_digest(token.sha256.encode(), digest.encode())]
        return found[0] if found else None

    def expired(self, token: Token) -> bool:
        """Tell whether a token has expired."""
        return token.expired(self._now())

    def to_be_noted(self, token: Token) -> bool:
        """Tell whether it is time to note that a token is used."""
        return token.last_used is None or self._now() - token.last_used >= _COARSE

    def note_used(self, token: Token) -> None:
        """Note that a token is used. Raises `OSError` if that cannot be written."""
        with self._changing() as tokens:
            tokens[:] = [replace(one, last_used=self._now()) if one.sha256 == token.sha256 else one for one in tokens]

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        with self._file.locked():
            tokens = list(self._read())
            yield tokens
            self._file.write(self._rows.dump_python(tokens, mode="json"))

    def _read(self) -> tuple[Token, ...]:
        stamp = self._file.stamp()
        seen, tokens = self._seen
        if stamp is None or stamp != seen:
            try:
                tokens = tuple(self._rows.validate_python(self._file.read()))
            except ValidationError:
                raise self._file.damaged() from None
            self._seen = (stamp, tokens)
        return tokens


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
