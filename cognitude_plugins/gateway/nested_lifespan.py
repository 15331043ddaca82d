"""Two lifespans as one: ours is open before that of the app behind begins, and closes when that has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hooks import ConfigError, PluginError

log: Final = logging.getLogger("cognitude")

Message = MutableMapping[str, Any]


async def nested(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    opened: Callable[[], Awaitable[None]],
    closed: Callable[[], Awaitable[None]],
) -> None:
    """Run ``app``'s lifespan inside ours; the server is told of the first start-up that fails.

    An app that does not know lifespans gets none, as with a server alone; ours is run all the same.
    """
    first = await receive()
    try:
        await opened()
    except (ConfigError, PluginError, OSError) as error:
        await send({"type": "lifespan.startup.failed", "message": f"Cognitude: {error}"})
        return
    inner = _Inner(first, receive, send, closed)
    # Gathered, because what the app raises is looked at before it is raised: it may only mean "not supported".
    [broke] = await asyncio.gather(app(scope, inner.receive, inner.send), return_exceptions=True)
    if isinstance(broke, BaseException) and (inner.over or inner.asked_to_stop):
        if not inner.over:
            await closed()
        raise broke
    if inner.over:
        return
    if not inner.started:
        log.info("the app behind does not take part in the lifespan: %r", broke)
        await send({"type": "lifespan.startup.complete"})
    elif isinstance(broke, BaseException):
        log.error("the lifespan of the app behind broke off", exc_info=broke)
    if not inner.asked_to_stop:
        await receive()
    await closed()
    await send({"type": "lifespan.shutdown.complete"})


class _Inner:
    """The server as the app behind sees it. Ours is closed before the server hears that the app's has ended."""

    def __init__(self, first: Message, receive: Receive, send: Send, closed: Callable[[], Awaitable[None]]) -> None:
        self.started = self.asked_to_stop = self.over = False
        self._first: Message | None = first
        self._receive = receive
        self._send = send
        self._closed = closed

    async def receive(self) -> Message:
        if self._first is not None:
            message, self._first = self._first, None
            return message
        message = await self._receive()
        self.asked_to_stop = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            self.started = True
        else:
            self.over = True
            await self._closed()
        await self._send(message)
