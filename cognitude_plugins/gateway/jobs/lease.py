"""The lease on one job, as one process has it: its questions to the database, and renewing while a run lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from hooks import Unavailable

from . import claims
from .claims import LEASE_MS, RENEW_SECONDS
from .state import Look

if TYPE_CHECKING:
    from ..storage.database import Storage

log: Final = logging.getLogger("cognitude.jobs")

_AWAY: Final = (Unavailable, SQLAlchemyError)
_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Lease:
    """`look` and `claim` raise `Unavailable` when the database does not answer."""

    _storage: Storage
    _name: str
    _holder: str

    async def look(self) -> Look:
        with _answering():
            return await self._storage.read(partial(claims.look, name=self._name))

    async def claim(self, due: datetime) -> int | None:
        with _answering():
            return await self._storage.write(partial(claims.claim, name=self._name, due=due, holder=self._holder))

    async def keep(self, work: asyncio.Task[Any], fence: int) -> None:
        """Until the work is over, or the lease is lost: the work is then to be stopped.

        While the database is away it lasts as long as nobody else can have claimed it.
        """
        until = monotonic() + LEASE_MS / 1000
        while not (await asyncio.wait({work}, timeout=RENEW_SECONDS))[0]:
            asked = monotonic()
            try:
                async with asyncio.timeout(until - asked):
                    held = await self._storage.write(partial(claims.renew, name=self._name, fence=fence))
                until = asked + LEASE_MS / 1000
            except (TimeoutError, *_AWAY):
                held = monotonic() < until
            if not held and not work.done():
                log.warning("the job %s was taken over: this run of it is stopped", self._name)
                return

    async def finish(self, fence: int, seconds: float, error: str | None) -> None:
        """Until it is told: while the database is away nobody else can claim what is over."""
        await self._tell(partial(claims.finish, name=self._name, fence=fence, seconds=seconds, error=error))

    async def give_back(self, fence: int) -> None:
        await self._tell(partial(claims.give_back, name=self._name, fence=fence))

    async def _tell(self, change: Callable[[Any], bool]) -> None:
        while True:
            try:
                await self._storage.write(change)
                return
            except _AWAY:
                await asyncio.sleep(_AGAIN_SECONDS)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the table of jobs cannot be used: {type(error).__name__}") from error
