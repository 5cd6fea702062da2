"""One exchange with a destination, and the further ones that its authentication needs."""

from __future__ import annotations

from contextlib import aclosing

import httpx

from jackfield_http_request.answers.answer import Answer


async def send(http: httpx.AsyncClient, request: httpx.Request, limit: int) -> Answer:
    """Send a request and read its answer, of which at most `limit` bytes are kept. Raises what httpx raises."""
    response = await http.send(request, stream=True)
    content = bytearray()
    try:
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > limit:
                break
    finally:
        await response.aclose()
    return Answer(response.status_code, response.headers, bytes(content[:limit]), len(content) > limit)


async def send_as(auth: httpx.Auth, http: httpx.AsyncClient, request: httpx.Request, limit: int) -> Answer:
    """Send what the flow of `auth` makes of a request and return the last answer; the flow sees no bodies.

    httpx's client does the same but would read every answer to its end, however long it is.
    """
    async with aclosing(auth.async_auth_flow(request)) as flow:
        sent = await anext(flow)
        while True:
            answer = await send(http, sent, limit)
            try:
                sent = await flow.asend(httpx.Response(answer.status, headers=answer.headers))
            except StopAsyncIteration:
                return answer
