"""A visitor of the pages without a browser: logs in, sends forms with their token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from jackfield.users import Role, Users
from jackfield.web.app import Served

PASSWORD = "correct horse battery"
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
            Users(served.host.project.var).put(role.value, PASSWORD, role)
            answer = await person.post("/login", {"name": role.value, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        yield person
