"""The least Starlette endpoint: it reads the request and answers a constant. What a cache hit is compared with."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .bare import WHOLE


async def answer(request: Request) -> Response:
    await request.body()
    return Response(WHOLE, media_type="application/json")


app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
