"""Who may use the pages and the API: users with a password and a role, in `var/users.json`.

The file is read anew when it has changed, so that `jackfield user` works beside a running host.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jackfield.access.json_file import VarFile
from jackfield.access.passwords import LONGEST_PASSWORD, Weakness, weakness
from jackfield.errors import JackfieldError

USERS_FILE: Final = "users.json"
_NAME: Final = re.compile(r"[^\W_][\w.@+-]{0,63}")


class Role(StrEnum):
    """What somebody may do: everything, or look."""

    OPERATOR = "operator"
    VIEWER = "viewer"


class InvalidUserReason(StrEnum):
    """Why a change of the users is refused."""

    NAME = "a user's name has letters, digits and . _ @ + - only, begins with a letter or digit, and has 64 at most"
    PASSWORD = "a password has 10 characters or more, and 1000 at most"  # noqa: S105 - what is wrong with it
    COMMON = "many people have this password, or one like it, so it is guessed first; choose another one"
    OWN_NAME = "the password is hardly more than the user's name; choose another one"
    TAKEN = "there is a user of this name already"
    UNKNOWN = "there is no user of this name"
    LAST = "this is the last operator: without one nobody can change anything; make another one first"
    NOT_FIRST = "there are users already"


_WEAK: Final = {
    Weakness.LENGTH: InvalidUserReason.PASSWORD,
    Weakness.COMMON: InvalidUserReason.COMMON,
    Weakness.NAME: InvalidUserReason.OWN_NAME,
}


class InvalidUser(JackfieldError):  # noqa: N818 - the word is what is refused
    """The users cannot be changed so; `reason` says why."""

    def __init__(self, reason: InvalidUserReason) -> None:
        super().__init__(reason.value)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in. A session is over once its user's `generation` is another: it is never used again."""

    name: str
    role: Role
    password: str
    """Its argon2 hash."""
    generation: str = field(default_factory=lambda: secrets.token_hex(8))


class Users:
    """The users of one project. Any method may raise `ConfigurationError`: the file is damaged."""

    def __init__(self, var: Path) -> None:
        self._file = VarFile(var / USERS_FILE, "users")
        self._hasher = PasswordHasher()
        self._seen: tuple[object, Mapping[str, User]] = (None, {})

    def all(self) -> list[User]:
        """List the users by name."""
        return [user for _, user in sorted(self._read().items())]

    def get(self, name: str) -> User | None:
        """Find a user."""
        return self._read().get(name)

    def add(self, name: str, password: str, role: Role, *, first: bool = False) -> User:
        """Add a user; `first`: only if there is none yet. Raises `InvalidUser`."""
        if not _NAME.fullmatch(name):
            raise InvalidUser(InvalidUserReason.NAME)
        user = User(name, role, self._hashed(name, password))
        with self._changing() as users:
            if users and first:
                raise InvalidUser(InvalidUserReason.NOT_FIRST)
            if name in users:
                raise InvalidUser(InvalidUserReason.TAKEN)
            users[name] = user
        return user

    def set_password(self, name: str, password: str) -> User:
        """Give a user a new password, which ends their sessions. Raises `InvalidUser`."""
        return self._change(name, password=self._hashed(name, password), generation=secrets.token_hex(8))

    def set_role(self, name: str, role: Role) -> User:
        """Give a user a role, from their next request on. Raises `InvalidUser`, also for the last operator."""
        return self._change(name, role=role)

    def end_sessions(self, name: str) -> User:
        """End all sessions of a user, on every device. Raises `InvalidUser`."""
        return self._change(name, generation=secrets.token_hex(8))

    def remove(self, name: str, *, even_last: bool = False) -> None:
        """Remove a user and end their sessions. Raises `InvalidUser`, also for the last operator unless `even_last`."""
        with self._changing() as users:
            gone = users.pop(name, None)
            if gone is None:
                raise InvalidUser(InvalidUserReason.UNKNOWN)
            if gone.role is Role.OPERATOR and not even_last and not _has_operator(users.values()):
                raise InvalidUser(InvalidUserReason.LAST)

    def verified(self, name: str, password: str) -> User | None:
        """Return the user if the password is theirs. It is the same work for a user that does not exist."""
        user = self.get(name)
        try:
            self._hasher.verify(user.password if user else self._nobody(), password[: LONGEST_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return None
        if user is not None and self._hasher.check_needs_rehash(user.password):
            with suppress(OSError):  # a full disk keeps nobody from looking what is wrong
                self._rehash(user, password)
        return user

    def _hashed(self, name: str, password: str) -> str:
        if (weak := weakness(password, name)) is not None:
            raise InvalidUser(_WEAK[weak])
        return self._hasher.hash(password)

    def _nobody(self) -> str:
        """Write a hash that no password has, of the kind that the users' are."""
        hasher = self._hasher
        salt, digest = (b64encode(bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
        return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"

    def _rehash(self, user: User, password: str) -> None:
        hashed = self._hasher.hash(password)
        with self._changing() as users:
            if users.get(user.name) == user:
                users[user.name] = replace(user, password=hashed)

    def _change(self, name: str, **changes: object) -> User:
        with self._changing() as users:
            if name not in users:
                raise InvalidUser(InvalidUserReason.UNKNOWN)
            had_operator = _has_operator(users.values())
            users[name] = replace(users[name], **changes)  # type: ignore[arg-type]
            if had_operator and not _has_operator(users.values()):
                raise InvalidUser(InvalidUserReason.LAST)
        return users[name]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """Lend the users to be changed; what has become of them is written, unless the block raises."""
        with self._file.locked():
            users = dict(self._read())
            yield users
            self._file.write([asdict(user) for user in users.values()])

    def _read(self) -> Mapping[str, User]:
        stamp = self._file.stamp()
        seen, users = self._seen
        if stamp is None or stamp != seen:
            try:
                users = {row["name"]: User(**{**row, "role": Role(row["role"])}) for row in self._file.read()}
            except (KeyError, TypeError, ValueError):
                raise self._file.damaged() from None
            self._seen = (stamp, users)
        return users


def _has_operator(users: Iterable[User]) -> bool:
    return any(user.role is Role.OPERATOR for user in users)
