"""Who may use the pages and the API: users with a password and a role, in `var/users.json`.

The file is read anew when it has changed, so that `jackfield user` works beside a running host.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jackfield.errors import JackfieldError

USERS_FILE: Final = "users.json"
SHORTEST_PASSWORD: Final = 10
_NAME: Final = re.compile(r"[^\W_][\w.@+-]{0,63}")


class Role(StrEnum):
    """What somebody may do: everything, or look."""

    OPERATOR = "operator"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in. A session made for an earlier `generation` is over."""

    name: str
    role: Role
    password: str
    """Its argon2 hash."""
    generation: int = 1


class Users:
    """The users of one project."""

    def __init__(self, var: Path) -> None:
        self._path = var / USERS_FILE
        self._hasher = PasswordHasher()
        self._stamp: tuple[int, int] | None = None
        self._users: Mapping[str, User] = {}

    def all(self) -> list[User]:
        """List the users by name."""
        return [user for _, user in sorted(self._read().items())]

    def get(self, name: str) -> User | None:
        """Find a user."""
        return self._read().get(name)

    def put(self, name: str, password: str, role: Role) -> User:
        """Add a user, or give one a new password and role: that ends their sessions. Raises `JackfieldError`."""
        if not _NAME.fullmatch(name):
            raise JackfieldError("a user's name has letters, digits and . _ @ + - only, and 64 of them at most")
        if len(password) < SHORTEST_PASSWORD:
            raise JackfieldError(f"a password has {SHORTEST_PASSWORD} characters or more")
        known = self._read()
        before = known.get(name)
        user = User(name, role, self._hasher.hash(password), before.generation + 1 if before else 1)
        self._write({**known, name: user})
        return user

    def remove(self, name: str) -> bool:
        """Remove a user; False if there is none of this name."""
        known = dict(self._read())
        if known.pop(name, None) is None:
            return False
        self._write(known)
        return True

    def verified(self, name: str, password: str) -> User | None:
        """Return the user if the password is theirs. It takes as long for a user that does not exist."""
        user = self.get(name)
        try:
            self._hasher.verify(user.password if user else self._nobody(), password)
        except (VerificationError, InvalidHashError):
            return None
        if user is not None and self._hasher.check_needs_rehash(user.password):
            user = replace(user, password=self._hasher.hash(password))
            self._write({**self._read(), name: user})
        return user

    def _nobody(self) -> str:
        return self._hasher.hash(os.urandom(16))

    def _read(self) -> Mapping[str, User]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            rows = json.loads(self._path.read_text(encoding="utf-8"))["users"]
            self._users = {row["name"]: User(**{**row, "role": Role(row["role"])}) for row in rows}
            self._stamp = stamp
        return self._users

    def _write(self, users: Mapping[str, User]) -> None:
        """Replace the file as a whole; only its owner may read it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(user) for user in users.values()]
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, encoding="utf-8", delete=False) as file:
            json.dump({"users": rows}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path)
