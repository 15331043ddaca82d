"""Ends the work for a client the moment the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any


class WhileHere:
    """``async with WhileHere(receive) as client``: the block is cancelled when ``http.disconnect`` comes.

    ``client.left`` says that it was. The request body must have been read. Works as `asyncio.timeout` does: the
    cancellation is swallowed at the block's end, one from outside is not.
    """

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self.left = False
        self._receive = receive

    async def __aenter__(self) -> WhileHere:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._listener = asyncio.get_running_loop().create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._listener.cancel()
        return self.left and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        self.left = True
        self._task.cancel()
