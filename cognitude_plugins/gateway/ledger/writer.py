"""The one who moves rows from the journal of a data_dir into the database, whichever process that is at the time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy.exc import SQLAlchemyError

from hooks import Unavailable

from ..storage.database import Storage
from .batch import Stored, store
from .intake import MOST_ROWS, Intake, gather, waiting_since
from .lock import WriterLock
from .quarantine import quarantine
from .records import ID, by_column
from .retention import prune
from .segments import consumed, mark_consumed, remove, segments

if TYPE_CHECKING:
    from ..service_settings import Retention

log: Final = logging.getLogger("cognitude.ledger")

# A table that is missing or a disk that is broken must not end the writer: somebody may put it right.
_FAILURES: Final = (Unavailable, OSError, SQLAlchemyError, ValueError)
_TICK_SECONDS: Final = 0.25
_LONGEST_WAIT_SECONDS: Final = 2.0
_FEWEST_ROWS: Final = 100
_LATE_SECONDS: Final = 5.0


class Writer:
    """``folder`` is the journal's. One of the processes that have it writes, the others wait to take over.

    Nothing is lost or doubled wherever this is interrupted: how far a segment was read is in the same transaction as
    what was read. A database that does not answer is asked again after 0.25 s, then less and less often down to every
    2 s, with smaller transactions: it may be too slow for large ones.
    """

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        retention: Retention,
        *,
        most_rows: int = MOST_ROWS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._folder = folder
        self._retention = retention
        self._clock = clock
        self._lock = WriterLock(folder)
        self._passing = asyncio.Lock()
        self._offsets: dict[str, int] = {}
        self._limit = self._most_rows = most_rows
        self._oldest_ms: int | None = None
        self._failing = False
        self._counts = dict.fromkeys(("written_rows", "known_rows", "expired_rows", "refused_rows"), 0)

    @property
    def lag_seconds(self) -> float:
        """How long the oldest row that is not in the database has waited, as of the last look; 0 when none has."""
        return 0.0 if self._oldest_ms is None else max(0.0, self._clock() - self._oldest_ms / 1000)

    def status(self) -> dict[str, Any]:
        """For ``/health``. ``degraded`` while the database does not take rows, or they wait for more than 5 s."""
        late = self._failing or self.lag_seconds > _LATE_SECONDS
        return {
            "status": "degraded" if late else "ok",
            "writing": self._lock.held,
            "lag_seconds": round(self.lag_seconds, 3),
            **self._counts,
        }

    async def run(self) -> None:
        """Until it is cancelled."""
        wait = _TICK_SECONDS
        try:
            while True:
                await asyncio.sleep(wait)
                wait = _TICK_SECONDS if await self._round() else min(2 * wait, _LONGEST_WAIT_SECONDS)
        finally:
            self._lock.release()

    async def drain(self, seconds: float) -> bool:
        """Whether all that waits now, of every process, is in the database; after ``seconds`` at the latest."""
        deadline = time.monotonic() + seconds
        targets = await asyncio.to_thread(_sizes, self._folder)
        try:
            while not await asyncio.to_thread(self._reached, targets):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                try:
                    async with asyncio.timeout(left):
                        if not await self._round() or not self._lock.held:
                            await asyncio.sleep(min(left, 0.05))
                except TimeoutError:
                    return False
            return True
        finally:
            self._lock.release()

    async def prune(self, now: float | None = None) -> int:
        """Delete what is older than the retention, some thousand rows at a time; how many rows. Raises `Unavailable`.

        ``now`` is in seconds since 1970.
        """
        return await prune(self._storage, self._retention, self._clock() if now is None else now)

    async def _round(self) -> bool:
        """Write all there is if this process may; False when something is in the way."""
        async with self._passing:
            try:
                if await asyncio.to_thread(self._lock.acquire):
                    while not await self._pass():
                        pass
                else:
                    self._offsets.clear()
                    self._oldest_ms = await asyncio.to_thread(waiting_since, self._folder, {})
                self._recovered()
                return True
            except _FAILURES as error:
                await self._failed(error)
                return False

    async def _pass(self) -> bool:
        """One transaction; True when nothing was left behind."""
        intake = await asyncio.to_thread(gather, self._folder, self._offsets, self._most_rows)
        self._oldest_ms = intake.oldest_ms
        if not intake.parts:
            await asyncio.to_thread(self._remove)
            return intake.whole
        parts = list(intake.parts.values())
        stored = await self._storage.write(partial(store, parts=parts, now_ms=round(self._clock() * 1000)))
        fitted = all(stored.offsets[part.segment] == part.end for part in parts)
        await asyncio.to_thread(self._settle, intake, stored)
        self._most_rows = min(2 * self._most_rows, self._limit)
        whole = intake.whole and fitted
        if whole:
            self._oldest_ms = None
        return whole

    def _settle(self, intake: Intake, stored: Stored) -> None:
        """What follows a commit. If the process ends before it, the next one finds the offsets in the database."""
        self._offsets.update(stored.offsets)
        for name, count in (("written", stored.inserted), ("known", stored.known), ("expired", stored.expired)):
            self._counts[f"{name}_rows"] += count
        refused = {row[ID]: why for row, why in stored.refused}
        for path, part in intake.parts.items():
            lines = [orjson.dumps(by_column(row)) for row in part.rows if row[ID] in refused] if refused else []
            if stored.offsets[part.segment] == part.end:
                self._set_aside(path, [*intake.unreadable.get(path, ()), *lines])
            mark_consumed(path, stored.offsets[part.segment])
        for id, why in refused.items():
            log.warning("the database does not take the row %s, it is in corrupt/: %s", id, why)
        self._remove()

    def _set_aside(self, path: Path, lines: list[bytes]) -> None:
        if lines:
            self._counts["refused_rows"] += len(lines)
            quarantine(path, lines)

    def _remove(self) -> None:
        """Segments that are in the database as a whole and that nobody writes to."""
        for path in segments(self._folder):
            if path.name in self._offsets and remove(path, self._offsets[path.name]):
                del self._offsets[path.name]

    def _reached(self, targets: Mapping[Path, int]) -> bool:
        """By the journal's notes too: another process may be the one that writes."""
        return all(
            self._offsets.get(path.name, 0) >= size or not path.exists() or consumed(path) >= size
            for path, size in targets.items()
        )

    def _recovered(self) -> None:
        if self._failing:
            log.info("the ledger is written again")
        self._failing = False

    async def _failed(self, error: Exception) -> None:
        """The log says why, once; ``/health`` is for everybody and does not."""
        if not self._failing:
            why = (str(error) or type(error).__name__).splitlines()[0]
            log.warning("the ledger waits in %s: %s", self._folder, why)
        self._failing = True
        self._most_rows = max(_FEWEST_ROWS, self._most_rows // 2)
        with suppress(OSError):
            self._oldest_ms = await asyncio.to_thread(waiting_since, self._folder, self._offsets)


def _sizes(folder: Path) -> dict[Path, int]:
    sizes: dict[Path, int] = {}
    for path in segments(folder):
        try:
            sizes[path] = path.stat().st_size
        except FileNotFoundError:
            continue
    return sizes
