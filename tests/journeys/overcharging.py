"""A provider over a real socket that reports more than anybody estimated, up to all that a call can use."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

_CHUNKS = 10


@dataclass(slots=True)
class Overcharging:
    """``seconds`` is how long an answer takes at most. Each prompt is said to be as long as its bytes, or nearly."""

    seed: int
    seconds: float = 0.4
    url: str = ""
    under_way: int = 0
    most_at_once: int = 0
    calls: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        self.calls += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            share = self._random.uniform(0.7, 1.0)
            asked = int(body.get("max_tokens", 400))
            # What the gateway itself added to the request is not the client's.
            usage = {"prompt_tokens": int((len(raw) - 100) * share), "completion_tokens": asked}
            usage["total_tokens"] = sum(usage.values())
            seconds = self._random.uniform(0.3, 1) * self.seconds
            if body.get("stream"):
                return await self._stream(request, asked, usage, seconds)
            await asyncio.sleep(seconds)
            message = {"role": "assistant", "content": "word " * 10}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response(_head("chat.completion") | {"choices": [choice], "usage": usage})
        finally:
            self.under_way -= 1

    async def _stream(self, request: web.Request, tokens: int, usage: Any, seconds: float) -> web.StreamResponse:
        """A third of the tokens can be seen, the others were thought."""
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        head = _head("chat.completion.chunk")
        for _ in range(_CHUNKS):
            text = "abcd" * (tokens // 3 // _CHUNKS)
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            await response.write(_event(head | {"choices": [choice]}))
            await asyncio.sleep(seconds / _CHUNKS)
        await response.write(_event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        await response.write(_event(head | {"choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def overcharging(seed: int, **options: Any) -> AsyncIterator[Overcharging]:
    one = Overcharging(seed, **options)
    app = web.Application(client_max_size=16 * 2**20)
    app.router.add_post("/v1/chat/completions", one.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield one
    finally:
        await runner.cleanup()


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": "small"}


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
