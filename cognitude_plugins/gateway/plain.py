"""Answers that are not calls: errors before the pipeline, health, admin. Sent as they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hooks import Reply

from .head import printable

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def send_plain(send: Send, reply: Reply, request_id: str) -> None:
    """Send a whole reply with its headers, its length and ``x-request-id``."""
    raw = b"" if reply.payload is None else reply.payload.raw
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(raw)),
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), printable(value)) for name, value in reply.headers.items()),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})
