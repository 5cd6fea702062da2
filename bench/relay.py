"""The naive relay that Jackfield is compared with: it passes each call on and answers when that is done.

`python -m bench.relay PORT DESTINATION`. The same server settings, the same HTTP client, the same JSON body; no
journal, no retry: what is under way when it ends is lost.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jackfield.http.client import HttpPool


def _application(destination: str) -> Starlette:
    client = HttpPool(allow=["127.0.0.1"]).client

    async def relay(request: Request) -> JSONResponse:
        user = request.query_params
        body = {
            "id": user["id"],
            "email": user["email"],
            "name": f"{user['first_name']} {user['last_name']}",
            "phone": user["phone"],
            "city": user["city"] or "unknown",
            "utm": {"source": user["utm_source"], "campaign": user["utm_campaign"]},
        }
        answer = await client.post(destination, json=body)
        answer.raise_for_status()
        return JSONResponse({"accepted": 1})

    return Starlette(routes=[Route("/hook", relay)])


if __name__ == "__main__":
    uvicorn.run(
        _application(sys.argv[2]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
