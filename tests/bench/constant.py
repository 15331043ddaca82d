"""The least Starlette endpoint: it reads the request and answers a constant. What a cache hit is compared with.

With a Redis in the environment it asks that for one value first, through the client that plugins are lent.
"""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cognitude_plugins.gateway.redis_service import RedisService
from cognitude_plugins.gateway.redis_url import parse_redis

from .bare import WHOLE

_URL = os.environ.get("BENCH_REDIS")
_redis = RedisService(parse_redis(_URL)).client(timeout=5.0) if _URL else None


async def answer(request: Request) -> Response:
    await request.body()
    if _redis is not None:
        await _redis.get("bench-value")
    return Response(WHOLE, media_type="application/json")


app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
