"""The answers kept in the database: for as long as the operator likes, also when Redis is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from hooks import EVERY_ORGANIZATION, Database, Unavailable

from . import stored
from .known import Known, Mark
from .stored import Row, Wanted

T = TypeVar("T")

log: Final = logging.getLogger("cognitude.redis_cache")

_READ_SECONDS: Final = 0.5
"""What a call waits for the database before it does without."""
_PAUSE_SECONDS: Final = 5.0
"""How long nobody asks a database that did not answer."""
_GATHER_SECONDS: Final = 0.02
"""What is kept within it is written in one transaction."""
_MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
_MOST_AT_ONCE: Final = 200


class Cold:
    """Answers are written behind the calls, and are found from the moment they are given to `put`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[str, str], Row] = {}
        self._waiting_bytes = 0
        self._awake = asyncio.Event()
        self._quiet_until = 0.0
        self._writing = asyncio.get_running_loop().create_task(self._write())
        self.dropped = 0
        self._known = Known(self._page, self._total, lambda: [key for _, key in self._waiting])

    @property
    def up(self) -> bool:
        return monotonic() >= self._quiet_until

    def follow(self) -> None:
        """From now on know what is certainly not there, see `lacks`."""
        self._known.start()

    def lacks(self, key: str) -> bool:
        """Whether looking for it is in vain, but for what another worker wrote within the last seconds."""
        return self._known.lacks(key)

    async def close(self) -> None:
        """What waits is written, if the database takes it."""
        await self._known.close()
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)
        if self._waiting:
            await self._flush()

    async def get(self, organization: str, key: str) -> bytes | None:
        waiting = self._waiting.get((organization, key))
        if waiting is not None:
            return waiting.packed
        if not self.up:
            return None
        try:
            async with asyncio.timeout(_READ_SECONDS):
                return await self._database.read(organization, lambda one: stored.packed(one, organization, key))
        except (Unavailable, TimeoutError) as error:
            self._fall(error)
            return None

    def put(self, row: Row) -> None:
        """Dropped, and counted, when too much waits already."""
        place = row.organization, row.key
        before = self._waiting.pop(place, None)
        self._waiting_bytes -= 0 if before is None else before.size
        if self._waiting_bytes + row.size > _MOST_WAITING_BYTES:
            self.dropped += 1
            return
        self._known.add(row.key)
        self._waiting[place] = row
        self._waiting_bytes += row.size
        self._awake.set()

    async def drop(self, organization: str, key: str) -> None:
        """One that is of no use."""
        one = Wanted(organization=organization, key=key)
        try:
            await self._database.write(organization, lambda connection: stored.remove(connection, one))
        except Unavailable as error:
            self._fall(error)

    async def find(self, wanted: Wanted) -> Sequence[tuple[str, int]]:
        """Key and bytes. Raises `hooks.Unavailable`."""
        await self._flush()
        return await self._database.read(wanted.organization, lambda one: stored.find(one, wanted))

    async def remove(self, wanted: Wanted) -> int:
        """How many there were. Raises `hooks.Unavailable`."""
        await self._flush()
        return await self._database.write(wanted.organization, lambda one: stored.remove(one, wanted))

    async def count(self, organization: str) -> tuple[int, int]:
        """Answers and their bytes. Raises `hooks.Unavailable`."""
        await self._flush()
        return await self._database.read(organization, lambda one: stored.count(one, organization))

    async def forget(self, *, now_ms: int, before_ms: int | None, most_bytes: int | None) -> None:
        """Of all organizations, what need not be kept longer."""
        work: Callable[[Connection], int] = lambda one: stored.forget(  # noqa: E731
            one, now_ms=now_ms, before_ms=before_ms, most_bytes=most_bytes
        )
        try:
            gone = await self._database.write(EVERY_ORGANIZATION, work)
        except Unavailable as error:
            self._fall(error)
            return
        if gone:
            log.info("%d kept answers were forgotten", gone)

    async def _page(self, after: Mark, most: int) -> Sequence[Mark]:
        return await self._database.read(EVERY_ORGANIZATION, lambda one: stored.page(one, after, most))

    async def _total(self) -> int:
        return await self._database.read(EVERY_ORGANIZATION, stored.total)

    async def _write(self) -> None:
        while True:
            await self._awake.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            if not await self._flush():
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _flush(self) -> bool:
        """Whether everything that waited is written."""
        while self._waiting:
            rows = list(self._waiting.values())[:_MOST_AT_ONCE]
            try:
                await self._database.write(EVERY_ORGANIZATION, lambda one, rows=rows: stored.keep(one, rows))  # type: ignore[misc]
            except Unavailable as error:
                self._fall(error)
                return False
            except DBAPIError as error:
                self.dropped += len(rows)
                log.warning("%d answers are not kept in the database: %s", len(rows), error.orig)
            for row in rows:
                if self._waiting.get((row.organization, row.key)) is row:
                    del self._waiting[row.organization, row.key]
                    self._waiting_bytes -= row.size
        self._awake.clear()
        return True

    def _fall(self, error: BaseException) -> None:
        if self.up:
            log.warning("the cache does without the database for now: %s", str(error) or type(error).__name__)
        self._quiet_until = monotonic() + _PAUSE_SECONDS
