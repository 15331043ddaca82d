"""Cancels one client while it waits for the head of an answer, and asks the upstream when it noticed.

A process of its own, because the client may live in another environment: the client's name and the upstream's port are
its arguments, ``{"seconds": …}`` is its result, null when the upstream still worked after two seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter
from typing import Any

from .clients import CLIENTS

_BODY = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "Hello"}]}).encode()
_PATIENCE_SECONDS = 2.0


async def closed_after(client: str, port: int) -> float | None:
    """Seconds from the cancellation to the upstream's end of the call."""
    one = CLIENTS[client]()
    await one.start()
    call = asyncio.create_task(one.post(f"http://127.0.0.1:{port}/v1/chat/completions", _BODY))
    try:
        while not (await _stats(port))["open"]:
            await asyncio.sleep(0.01)
        call.cancel()
        began = perf_counter()
        await asyncio.gather(call, return_exceptions=True)
        while (waited := perf_counter() - began) < _PATIENCE_SECONDS:
            if not (await _stats(port))["open"]:
                return waited
            await asyncio.sleep(0.001)
        return None
    finally:
        await one.stop()


async def _stats(port: int) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /stats HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
    raw = await reader.read()
    writer.close()
    return json.loads(raw.partition(b"\r\n\r\n")[2])


if __name__ == "__main__":
    print(json.dumps({"seconds": asyncio.run(closed_after(sys.argv[1], int(sys.argv[2])))}))
