"""Everything of alert_channels that lives from start-up to shutdown, and what its endpoints ask of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import time
from typing import TYPE_CHECKING, Any, Final

from hooks import EVERY_ORGANIZATION, Database, Gateway, Unavailable

from .settings import Config

if TYPE_CHECKING:
    from .channels.directory import Directory
    from .channels.editing import Editor
    from .delivery.courier import Courier
    from .delivery.history import Counts
    from .delivery.probe import Probe

_ROUND_SECONDS: Final = 0.8
"""Of the second until the next."""
_COUNTED_EVERY_MS: Final = 10_000
MOST_WAITING: Final = 10_000
"""Messages for one channel: rules can tell more in a minute than a receiver takes in an hour."""

log: Final = logging.getLogger("cognitude.alert_channels")


class Desk:
    """What is opened is there between start-up and shutdown only."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._open: _Open | None = None

    @property
    def directory(self) -> Directory:
        return self._opened().directory

    @property
    def editor(self) -> Editor:
        return self._opened().editor

    @property
    def probe(self) -> Probe:
        return self._opened().probe

    @property
    def courier(self) -> Courier:
        return self._opened().courier

    @property
    def database(self) -> Database:
        return self._opened().database

    def now_ms(self) -> int:
        """By the database's clock."""
        return self._opened().courier.now_ms()

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[None]:
        self._open = _Open(self.config, gateway)
        await self._open.directory.refresh()
        try:
            yield
        finally:
            await self._open.courier.stop()
            self._open = None

    async def refresh(self) -> None:
        """What was changed in another process is in force here a second later."""
        if self._open is not None:
            await self._open.directory.refresh()

    async def deliver(self) -> None:
        """What is due, as long as some more is within the second."""
        if self._open is None:
            return
        await self._count(self._open)
        loop = asyncio.get_running_loop()
        end = loop.time() + _ROUND_SECONDS
        while await self._open.courier.round() and (left := end - loop.time()) > 0:
            await self._open.courier.idle(left)

    async def sweep(self) -> None:
        """Forget what was sent long ago."""
        from .delivery import history, pace

        if self._open is None:
            return
        before_ms = self.now_ms() - round(timedelta(days=self.config.delivery.retention_days).total_seconds() * 1000)
        database, more = self._open.database, True
        while more:
            more = bool(
                await database.write(
                    EVERY_ORGANIZATION, lambda connection: history.sweep(connection, before_ms=before_ms)
                )
            )
        await database.write(EVERY_ORGANIZATION, lambda connection: pace.sweep(connection, before_ms=before_ms))

    def status(self) -> dict[str, Any]:
        """For ``/health``. What its receivers do with alerts makes a gateway no worse."""
        if self._open is None or self._open.counts is None:
            return {"status": "ok"}
        counts, unusable = self._open.counts, self._open.directory.unusable()
        oldest = None if counts.oldest_ms is None else max(0, self.now_ms() - counts.oldest_ms) // 1000
        return {
            "status": "ok",
            "waiting": counts.waiting,
            "failed": counts.failed,
            "oldest_waiting_seconds": oldest,
            "channels_off": unusable,
        }

    async def _count(self, opened: _Open) -> None:
        from .delivery import history, outbox

        now_ms = self.now_ms()
        if now_ms - opened.counted_ms < _COUNTED_EVERY_MS:
            return
        try:
            opened.counts = await opened.database.read(
                EVERY_ORGANIZATION, lambda connection: history.counts(connection, now_ms=now_ms)
            )
            if opened.counts.waiting > MOST_WAITING:
                given_up = await opened.database.write(
                    EVERY_ORGANIZATION,
                    lambda connection: outbox.shed(connection, most=MOST_WAITING, now_ms=now_ms),
                )
                if given_up:
                    log.warning("%d messages are given up: more than %d wait for one channel", given_up, MOST_WAITING)
        except Unavailable:
            # The courier says so.
            return
        opened.counted_ms = now_ms

    def _opened(self) -> _Open:
        if self._open is None:
            raise RuntimeError("alert_channels has not been started")
        return self._open


class _Open:
    def __init__(self, config: Config, gateway: Gateway) -> None:
        from .channels.directory import Directory
        from .channels.editing import Editor
        from .delivery.courier import Courier
        from .delivery.probe import Probe

        self.database: Final = gateway.database
        self.directory: Final = Directory(config.channels, gateway.database, gateway.secrets, gateway.outbound)
        self.editor: Final = Editor(self.directory, gateway.database, _now)
        self.courier: Final = Courier(
            self.directory,
            gateway.database,
            gateway.outbound,
            timeout=config.delivery.timeout_seconds,
            now=_now,
        )
        self.probe: Final = Probe(self.courier, _now)
        self.counts: Counts | None = None
        self.counted_ms = 0


def _now() -> datetime:
    return datetime.fromtimestamp(time(), UTC)
