"""A visitor of the pages without a browser: logs in, sends forms with their token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import httpx

from jackfield.access.json_file import VarFile
from jackfield.access.users import USERS_FILE, Role, User, Users
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.auth.session import SESSION_COOKIE, SESSION_KEY_FILE, Session, Sessions
from jackfield.web.server.serving import Served

PASSWORD = "correct horse battery"
_ITS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$qnLLyiPv7ukgEOR36f1jqg$StpjIrxJCKlGKckMFK7CfM/7LoNH99CNBLHC6jJz7LQ"
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """One browser, more or less: keeps cookies, follows no redirect by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, form: Mapping[str, str | list[str]], *, seen_on: str = "/login") -> httpx.Response:
        """Send a form as a page would that was loaded before: with the token that stands on it."""
        token = _TOKEN.search((await self.client.get(seen_on)).text)
        return await self.client.post(path, data={"csrf": token[1] if token else "", **form})


@asynccontextmanager
async def visitor(served: Served, role: Role | None = Role.OPERATOR, language: str = "en") -> AsyncIterator[Visitor]:
    """Visit a host that is served, as somebody with this role; None: not logged in."""
    headers = {"accept-language": language}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, timeout=20) as client:
        person = Visitor(client)
        if role is not None:
            session = Session(user=somebody(served.host.project.var, role))
            key = read_or_make_secret(served.host.project.var / SESSION_KEY_FILE)
            cookie = Sessions(key, Users(served.host.project.var), served.url).cookie(session)
            client.cookies.set(SESSION_COOKIE, cookie, domain="127.0.0.1")
        yield person


def somebody(var: Path, role: Role) -> User:
    """Find the user who is named as this role, or add one, whose password is `PASSWORD`.

    Hashing takes a tenth of a second each time, so a test logs in only if that is what it is about.
    """
    user = Users(var).get(role.value)
    if user is None:
        user = User(role.value, role, _ITS_HASH)
        file = VarFile(var / USERS_FILE, "users")
        with file.locked():
            file.write([*file.read(), asdict(user)])
    return user
