"""Answers that took long, for a while: a look back at a million calls is not made for everybody who asks anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LONG_SECONDS: Final = 1.0
KEPT_SECONDS: Final = 600.0
_MOST: Final = 64


class Remembered(Generic[T]):
    """Of this process. What was there within `LONG_SECONDS` is made anew each time; what took longer is given again for
    `KEPT_SECONDS`. Of those who ask the same at the same time one has it made.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, T]] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Raises what ``make`` raises; that is not remembered."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                return await self._get(key, make)
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    async def _get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        began = self._clock()
        kept = self._kept.pop(key, None)
        if kept is not None and began < kept[0]:
            self._kept[key] = kept
            return kept[1]
        found = await make()
        ended = self._clock()
        if ended - began > LONG_SECONDS:
            self._kept[key] = ended + KEPT_SECONDS, found
            while len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
        return found
