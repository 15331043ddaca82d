"""The least ASGI app that speaks the OpenAI API: constants. Wrapped as middleware, and served to compare servers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]

_HEAD: Final = {"id": "chatcmpl-bench", "created": 1_700_000_000, "model": "echo"}
_TEXT: Final = "The quick brown fox jumps over the lazy dog. " * 8
_USAGE: Final = {"prompt_tokens": 20, "completion_tokens": 80, "total_tokens": 100}
WHOLE: Final = json.dumps(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
_CHUNK: Final = (
    b"data: %b\n\n"
    % json.dumps(
        {**_HEAD, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": " token"}}]}
    ).encode()
)
_CHUNKS: Final = 200
_OTHER: Final = b'{"status":"ok"}'


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    body = await _body(receive)
    if b'"stream":true' in body:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for _ in range(_CHUNKS):
            await send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
        return
    answer = WHOLE if scope["method"] == "POST" else _OTHER
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
