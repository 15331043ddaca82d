"""The keys of this process: looked up in memory, kept up to date by asking the database once a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, bindparam, or_, update
from sqlalchemy.exc import SQLAlchemyError

from hooks import Unavailable

from ..storage.database import Storage
from .absent import NOT_OURS, UNKNOWN, Absent
from .secret_keys import SecretKeys
from .snapshot import Known, Snapshot, newer
from .tables import ApiKey
from .tokens import parse

__all__ = ["NOT_OURS", "UNKNOWN", "Absent", "Directory", "Known"]

log: Final = logging.getLogger("cognitude.accounts")

REFRESH_SECONDS: Final = 1.0
"""How long a change made elsewhere may go unnoticed while the database answers; the promise is five."""

POLL_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 1.0
_USED_SECONDS: Final = 60.0


class Directory:
    """Of one process and one event loop. ``clock`` gives seconds since 1970.

    While the database is gone, the keys as last read stay in force, and ``stale_since`` says since when.
    """

    def __init__(self, storage: Storage, secrets: SecretKeys, *, clock: Callable[[], float] = time.time) -> None:
        self.stale_since: float | None = None
        self._storage = storage
        self._secrets = secrets
        self._clock = clock
        self._snapshot = Snapshot()
        self._reading = asyncio.Lock()
        self._poll: asyncio.Task[None] | None = None
        self._polls: set[asyncio.Task[None]] = set()
        self._polled = float("-inf")
        self._used: dict[str, float] = {}

    def find(self, secret: bytes, now: float) -> Known | Absent:
        """Whose key this is. ``now`` in seconds since 1970."""
        token = parse(secret)
        if token is None:
            return NOT_OURS
        entry = self._snapshot.entries.get(token.id)
        if entry is None or not entry.accepts(secret, now):
            return UNKNOWN
        self._used[token.id] = now
        return entry.known

    def time_zone(self, organization: str) -> str:
        """``UTC`` for one that the database does not have."""
        row = self._snapshot.organizations.get(organization)
        return "UTC" if row is None else str(row.time_zone)

    def standing(self, organization: str) -> str | None:
        """Its status, active or disabled; None for an organization that is not in the database."""
        row = self._snapshot.organizations.get(organization)
        return None if row is None else row.status

    def organizations(self) -> frozenset[str]:
        """Those in the database that are not disabled."""
        return frozenset(id for id, row in self._snapshot.organizations.items() if row.status == "active")

    async def load(self) -> None:
        """The first reading. Raises `Unavailable`."""
        await self._read()

    async def refresh(self) -> bool:
        """Read what has changed; whether anything had. When that cannot be read, what is known stays."""
        try:
            return await self._read()
        except (Unavailable, SQLAlchemyError) as error:
            if self.stale_since is None:
                self.stale_since = self._clock()
                log.warning("accounts cannot be read, keys stay in force as they are: %s", error)
            return False

    async def catch_up(self) -> bool:
        """For a key that is `UNKNOWN`: whether anything has changed, so that it is worth to look again.

        The database is asked after the call was made, but not more often than every `POLL_SECONDS`: all who wait share
        the answer. False at once while the database is gone.
        """
        if self.stale_since is not None:
            return False
        before = self._snapshot
        if self._poll is None:
            self._poll = asyncio.create_task(self._next_poll())
            self._polls.add(self._poll)
            self._poll.add_done_callback(self._polls.discard)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._poll), _PATIENCE_SECONDS)
        return self._snapshot is not before

    async def run(self) -> None:
        """Refresh until cancelled, and write down once in a while which keys were used."""
        written = time.monotonic()
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()
            if time.monotonic() - written >= _USED_SECONDS:
                written = time.monotonic()
                await self.flush()

    async def flush(self) -> None:
        """Write down when keys were last used; what cannot be written now is kept for the next time."""
        if not self._used:
            return
        used, self._used = self._used, {}
        # In one order everywhere, so that two processes do not wait for each other's rows.
        rows = [{"key": id, "at": round(used[id] * 1000)} for id in sorted(used)]
        try:
            await self._storage.write(lambda connection: _touch(connection, rows))
        except (Unavailable, SQLAlchemyError):
            self._used = {**used, **self._used}

    async def close(self) -> None:
        for poll in tuple(self._polls):
            poll.cancel()
            with suppress(asyncio.CancelledError):
                await poll
        await self.flush()

    def status(self) -> dict[str, Any]:
        """For ``/health``. ``unreadable_keys`` were hashed under a secret key that is not configured."""
        found: dict[str, Any] = {"status": "ok", "keys": len(self._snapshot.entries)}
        if self._snapshot.unreadable:
            found |= {"status": "degraded", "unreadable_keys": self._snapshot.unreadable}
        if self.stale_since is not None:
            found |= {"status": "degraded", "stale_seconds": round(self._clock() - self.stale_since, 1)}
        return found

    async def _read(self) -> bool:
        """One at a time: who comes later gets what was committed before he came."""
        async with self._reading:
            before = self._snapshot
            self._snapshot = await self._storage.read(lambda connection: newer(before, connection, self._secrets))
            self.stale_since = None
            if self._snapshot.unreadable != before.unreadable:
                self._tell_unreadable(self._snapshot.unreadable)
            return self._snapshot is not before

    def _tell_unreadable(self, keys: int) -> None:
        if keys:
            log.warning(
                "%d keys are refused: they were made under a secret key that is not in gateway.secret_keys", keys
            )
        else:
            log.info("no key is refused any more for want of a secret key")

    async def _next_poll(self) -> None:
        await asyncio.sleep(self._polled + POLL_SECONDS - time.monotonic())
        self._poll, self._polled = None, time.monotonic()
        await self.refresh()


def _touch(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """The revision stays: nobody need read these rows again."""
    connection.execute(_TOUCH, rows)


_TABLE: Final = ApiKey.__table__  # type: ignore[attr-defined]
_TOUCH: Final = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("key"), or_(_TABLE.c.last_used_ms.is_(None), _TABLE.c.last_used_ms < bindparam("at"))
    )
    .values(last_used_ms=bindparam("at"))
)
