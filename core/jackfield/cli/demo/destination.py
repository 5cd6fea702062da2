"""The demonstration's destination: a little course platform on this machine that remembers what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jackfield.web.server.listener import listening
from jackfield.web.server.uvicorn_server import Server

STUDENT: Final = "st-1001"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it reached the destination."""

    method: str
    path: str
    content_type: str
    token: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Destination:
    """The platform: where it is and what it got."""

    url: str
    received: list[Received] = field(default_factory=list)

    async def create_student(self, request: Request) -> JSONResponse:
        """Take a student in."""
        await self._remember(request)
        return JSONResponse({"id": STUDENT, "created": True}, status_code=201)

    async def enroll(self, request: Request) -> JSONResponse:
        """Put a student on a course."""
        await self._remember(request)
        return JSONResponse({"enrolled": True})

    async def record_payment(self, request: Request) -> JSONResponse:
        """Note a payment."""
        await self._remember(request)
        return JSONResponse({"recorded": True}, status_code=201)

    async def _remember(self, request: Request) -> None:
        headers = request.headers
        self.received.append(
            Received(
                method=request.method,
                path=request.url.path,
                content_type=headers.get("content-type", ""),
                token=headers.get("x-token", ""),
                body=await request.body(),
            )
        )


@asynccontextmanager
async def destination() -> AsyncIterator[Destination]:
    """Run the platform for as long as the block lasts."""
    with listening("127.0.0.1", 0) as listener:
        platform = Destination(f"http://127.0.0.1:{listener.getsockname()[1]}")
        routes = [
            Route("/students", platform.create_student, methods=["POST"]),
            Route("/students/{id}/courses", platform.enroll, methods=["POST"]),
            Route("/payments", platform.record_payment, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), lifespan="off", access_log=False, log_config=None)
        server = Server(config)
        task = asyncio.ensure_future(server.serve(sockets=[listener]))
        try:
            yield platform
        finally:
            server.end()
            await task
