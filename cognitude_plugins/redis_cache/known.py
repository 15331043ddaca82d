"""Which answers the database may have: what is certainly not there need not be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic, time_ns
from typing import Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from hooks import Unavailable

_PROBES: Final = 4
_BITS_A_KEY: Final = 16
"""At least; with four probes at most one key in 400 that is not there is taken for one that is: (1 - e^(-4/16))^4
(B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970).
"""
_LEAST: Final = 65_536
_MOST: Final = 16 * 1024 * 1024
"""Keys. Of more than that nothing is known; their bits would take 64 MiB of each worker."""
_LOOK_SECONDS: Final = 5.0
_ANEW_SECONDS: Final = 3600.0
"""What came late, and what has been deleted since, is seen then."""
_LATE_MS: Final = 60_000
"""By how much an answer may be older than others that were written before it: it waited, or another clock is slow."""
_AT_ONCE: Final = 2000
_SLICE: Final = 250


class Mark(NamedTuple):
    """Where an answer stands in the order in which they were made."""

    created_ms: int
    organization: str
    key: str


_FIRST: Final = Mark(-1, "", "")
Page = Callable[[Mark, int], Awaitable[Sequence[Mark]]]
"""The next so many answers after one. Raises `hooks.Unavailable`."""


class Keys:
    """A Bloom filter of keys, which are digests: their last 32 hexadecimal digits are taken as they are."""

    def __init__(self, capacity: int) -> None:
        self.capacity = max(capacity, _LEAST)
        self._mask = (1 << (self.capacity * _BITS_A_KEY - 1).bit_length()) - 1
        self._bits = bytearray((self._mask + 1) // 8)
        self.added = 0

    def add(self, key: str) -> None:
        digest, mask, bits = int(key[-32:], 16), self._mask, self._bits
        for _ in range(_PROBES):
            at = digest & mask
            bits[at >> 3] |= 1 << (at & 7)
            digest >>= 32
        self.added += 1

    def __contains__(self, key: str) -> bool:
        digest, mask, bits = int(key[-32:], 16), self._mask, self._bits
        for _ in range(_PROBES):
            at = digest & mask
            if not bits[at >> 3] & (1 << (at & 7)):
                return False
            digest >>= 32
        return True


class Known:
    """Looks every five seconds what other workers have added, and every hour at everything anew.

    ``waiting`` names the keys that are about to be written.
    """

    def __init__(
        self, page: Page, count: Callable[[], Awaitable[int]], waiting: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self._page = page
        self._count = count
        self._waiting = waiting
        self._keys: Keys | None = None
        self._being_made: Keys | None = None
        self._newest_ms = -1
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def add(self, key: str) -> None:
        """One of this worker's own."""
        for keys in (self._keys, self._being_made):
            if keys is not None:
                keys.add(key)

    def lacks(self, key: str) -> bool:
        """Whether the database certainly did not have it when it was last looked at."""
        return self._keys is not None and key not in self._keys

    async def _look(self) -> None:
        anew = 0.0
        while True:
            try:
                if self._keys is None or monotonic() >= anew or self._keys.added > self._keys.capacity:
                    await self.learn()
                    anew = monotonic() + _ANEW_SECONDS
                else:
                    await self.follow()
            except (Unavailable, DBAPIError):
                # Nobody asks the database then either, and what is known is still so.
                pass
            await asyncio.sleep(_LOOK_SECONDS)

    async def learn(self) -> None:
        """Everything anew. Raises `hooks.Unavailable`."""
        there = await self._count()
        if there > _MOST:
            self._keys = None
            return
        keys = self._being_made = Keys(there * 2)
        try:
            for key in self._waiting():
                keys.add(key)
            await self._read(keys, _FIRST)
            self._keys = keys
        finally:
            self._being_made = None

    async def follow(self) -> None:
        """What has come since. Raises `hooks.Unavailable`."""
        if self._keys is not None:
            # One from the future hides none that comes now.
            newest_ms = min(self._newest_ms, time_ns() // 1_000_000)
            await self._read(self._keys, Mark(newest_ms - _LATE_MS, "", ""))

    async def _read(self, keys: Keys, mark: Mark) -> None:
        while page := await self._page(mark, _AT_ONCE):
            for start in range(0, len(page), _SLICE):
                for one in page[start : start + _SLICE]:
                    if one.key not in keys:
                        keys.add(one.key)
                await asyncio.sleep(0)
            mark = page[-1]
            if len(page) < _AT_ONCE:
                break
        self._newest_ms = max(self._newest_ms, mark.created_ms)
