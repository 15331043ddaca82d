"""The lease on one job, as one process has it: its questions to the database, and renewing while a run lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from hooks import Unavailable

from . import claims
from .claims import LEASE_MS, RENEW_SECONDS, State

if TYPE_CHECKING:
    from ..storage.database import Storage

log: Final = logging.getLogger("cognitude.jobs")


@dataclass(frozen=True, slots=True)
class Lease:
    """Every method but `keep` raises `Unavailable` when the database does not answer."""

    _storage: Storage
    _name: str
    _holder: str

    async def state(self) -> State | None:
        return await self._storage.read(partial(claims.state, name=self._name))

    async def claim(self, due: datetime) -> int | None:
        return await self._storage.write(partial(claims.claim, name=self._name, due=due, holder=self._holder))

    async def keep(self, work: asyncio.Task[Any], fence: int) -> bool:
        """Until the work is over; False when the lease was lost before: the work is then to be stopped.

        While the database is away it lasts as long as nobody else can have claimed it.
        """
        until = monotonic() + LEASE_MS / 1000
        while True:
            done, _ = await asyncio.wait({work}, timeout=RENEW_SECONDS)
            if done:
                return True
            asked = monotonic()
            try:
                held = await self._storage.write(partial(claims.renew, name=self._name, fence=fence))
                until = asked + LEASE_MS / 1000
            except (Unavailable, SQLAlchemyError):
                held = monotonic() < until
            if not held and not work.done():
                log.warning("the job %s was taken over: this run of it is stopped", self._name)
                return False

    async def finish(self, fence: int, seconds: float, error: str | None) -> None:
        await self._tell(partial(claims.finish, name=self._name, fence=fence, seconds=seconds, error=error))

    async def give_back(self, fence: int) -> None:
        await self._tell(partial(claims.give_back, name=self._name, fence=fence))

    async def _tell(self, change: Callable[[Any], bool]) -> None:
        """What cannot be told shows by itself when the lease ends."""
        with suppress(Unavailable, SQLAlchemyError):
            await self._storage.write(change)
