"""Checks passwords: not too often, and never so many at once that the host has no time or memory for its work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from jackfield.access.users import User, Users
from jackfield.web.auth.throttle import BY_ADDRESS, BY_DEVICE, BY_NAME, BY_PAIR, FRESH, Key, Throttle

AT_ONCE: Final = 2
"""How many passwords are hashed at a time. Each takes 64 MB and a core for some tens of milliseconds."""
MOST_WAITING: Final = 50
_KEPT_FREE: Final = 10
"""Places in the queue for those who have logged in before."""
_LONGEST_KEY: Final = 65
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TooMany:
    """Somebody has to wait for so many seconds before the next try."""

    seconds: int


@dataclass(slots=True)
class PasswordChecker:
    """Lets somebody in who knows a user's password."""

    users: Users
    throttle: Throttle = field(default_factory=Throttle)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _waiting: int = 0

    async def verified(
        self, request: Request, name: str, password: str, device: str | None = None
    ) -> User | TooMany | None:
        """Return the user if the password is theirs, None if it is not.

        `device` is the id of a browser in which this user has logged in before: it has tries, and a place in the queue,
        of its own, so that nobody who guesses keeps the user out.
        """
        if self._waiting >= MOST_WAITING + (_KEPT_FREE if device else 0):
            return TooMany(1)
        keys, also = self._keys(name[:_LONGEST_KEY], client_address(request), device)
        if wait := self.throttle.begin(keys, also):
            return TooMany(math.ceil(wait))
        user = await self.hashing(lambda: self.users.verified(name, password))
        if user is not None:
            self.throttle.succeed((*keys, *also))
        return user

    def _keys(self, name: str, address: str, device: str | None) -> tuple[Sequence[Key], Sequence[Key]]:
        """Name what a try waits for, and what it counts for besides."""
        if device is not None:
            return [(f"{name} {device}", BY_DEVICE)], []
        pair = (f"{name} {address}", BY_PAIR)
        if self.throttle.knows(pair):
            return [(address, BY_ADDRESS), (name, BY_NAME)], [pair]
        return [(address, BY_ADDRESS), (name, FRESH)], [pair, (name, BY_NAME)]

    async def hashing(self, work: Callable[[], _T]) -> _T:
        """Do something that hashes a password, when it is its turn, beside the event loop."""
        self._waiting += 1
        try:
            async with self._places:
                return await run_in_threadpool(work)
        finally:
            self._waiting -= 1


def client_address(request: Request) -> str:
    """Return where a request comes from: what a proxy on this machine says of it, else who has connected.

    An IPv6 address stands for its /64: whoever has one has them all.
    """
    address = _address(request.client.host if request.client else "")
    if address is not None and address.is_loopback:
        said = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2]  # a proxy may add a line
        address = _address(said.strip()) or address
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; one of IPv4 that comes to a socket for both kinds, as systemd hands it over, is one of IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
