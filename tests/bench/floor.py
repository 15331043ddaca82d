"""The bare floor: a Starlette endpoint that forwards and does nothing else. Also the stand for the HTTP clients.

``BENCH_CLIENT`` names the client (see `clients`), ``BENCH_UPSTREAM`` and ``BENCH_PACED`` the upstreams of ``/v1`` and
``/paced/v1``.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .clients import CLIENTS

_client = CLIENTS[os.environ.get("BENCH_CLIENT", "aiohttp")]()


def _forwarding(upstream: str) -> Callable[[Request], Awaitable[Response]]:
    async def forward(request: Request) -> Response:
        status, kind, answer = await _client.post(upstream, await request.body())
        if isinstance(answer, bytes):
            return Response(answer, status, media_type=kind)
        return StreamingResponse(answer, status, media_type=kind)

    return forward


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    await _client.start()
    yield
    await _client.stop()


app = Starlette(
    lifespan=_lifespan,
    routes=[
        Route(f"{prefix}/v1/chat/completions", _forwarding(f"{upstream}/chat/completions"), methods=["POST"])
        for prefix, upstream in (
            ("", os.environ.get("BENCH_UPSTREAM", "http://127.0.0.1:9100/v1")),
            ("/paced", os.environ.get("BENCH_PACED", "http://127.0.0.1:9101/v1")),
        )
    ],
)
