"""Which model a conversation has: it stays there, since an answer of one model's is no good beginning for another's.

In memory, and where there is a Redis in it too, so that every worker knows. A Redis that does not answer is left alone
for a while; a conversation may then change its model when another worker has its next turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from redis.exceptions import RedisError

from hooks import Redis

_MOST: Final = 100_000
_TIMEOUT_SECONDS: Final = 0.05
_PAUSE_SECONDS: Final = 5.0
_MOST_WRITES: Final = 100
_PREFIX: Final = "router:pin:"


class Pins:
    """``seconds`` after its last turn a conversation is forgotten; with 0 none is remembered."""

    def __init__(self, seconds: float, redis: Redis | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._client: Any = None if redis is None or not seconds else redis.client(timeout=_TIMEOUT_SECONDS)
        self._quiet_until = 0.0
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._writes: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._known)

    async def find(self, conversation: bytes) -> str | None:
        found = self._known.get(conversation)
        if found is not None and found[1] > self._clock():
            return found[0]
        if self._client is None or self._clock() < self._quiet_until:
            return None
        try:
            value = await self._client.get(_PREFIX + conversation.hex())
        except (RedisError, OSError, TimeoutError):
            self._quiet_until = self._clock() + _PAUSE_SECONDS
            return None
        return None if value is None else bytes(value).decode(errors="replace")

    def keep(self, conversation: bytes, model: str) -> None:
        """Takes no time: Redis is told behind the call."""
        if not self._seconds:
            return
        self._known[conversation] = (model, self._clock() + self._seconds)
        self._known.move_to_end(conversation)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        if self._client is not None and self._clock() >= self._quiet_until and len(self._writes) < _MOST_WRITES:
            task = asyncio.get_running_loop().create_task(self._write(conversation, model))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._writes, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _write(self, conversation: bytes, model: str) -> None:
        try:
            await self._client.set(_PREFIX + conversation.hex(), model, px=max(1, round(self._seconds * 1000)))
        except (RedisError, OSError, TimeoutError):
            self._quiet_until = self._clock() + _PAUSE_SECONDS
